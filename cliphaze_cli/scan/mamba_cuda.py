"""mamba-ssm's fused CUDA kernel, used when it is installed; probed, never required."""

import functools
import importlib

import torch
from torch import Tensor

from cliphaze_cli.system.text import first_line


@functools.cache
def _import_error() -> str:
    # A broken build raises anything from ImportError to OSError or RuntimeError: all of them count as absent.
    try:
        importlib.import_module("selective_scan_cuda")
        importlib.import_module("mamba_ssm.ops.selective_scan_interface")
    except Exception as error:  # noqa: BLE001
        return f"mamba-ssm is not usable ({type(error).__name__}: {first_line(str(error))})"
    return ""


def unavailable_because(device: torch.device) -> str:
    """Why the kernel cannot run on `device`; "" when it can."""
    if device.type != "cuda":
        return "needs a CUDA device"
    return _import_error()


def scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
) -> Tensor:
    """`selective_scan_fn` itself; its kernel wants float32 parameters and contiguous inputs of one dtype."""
    interface = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
    inputs = (x.to(u.dtype).contiguous() for x in (u, delta))
    float32 = (None if x is None else x.float() for x in (D, delta_bias))
    u, delta = inputs
    D, delta_bias = float32
    y: Tensor = interface.selective_scan_fn(
        u,
        delta,
        A.float().contiguous(),
        B.to(u.dtype).contiguous(),
        C.to(u.dtype).contiguous(),
        D,
        delta_bias=delta_bias,
        delta_softplus=delta_softplus,
    )
    return y
