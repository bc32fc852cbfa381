"""Our Triton kernel of the selective scan, for CUDA; optional, and never a reason to fail: PyTorch steps in."""

import torch
from torch import Tensor

from cliphaze_cli.scan import pure_torch
from cliphaze_cli.scan.directions import DIRECTIONS
from cliphaze_cli.system.optional_kernel import OptionalKernel

KERNEL = OptionalKernel("triton", "cliphaze_cli.scan.triton_kernel", "")


def unavailable_because(device: torch.device) -> str:
    """Why the kernel cannot run on `device`; "" when it can."""
    return "needs a CUDA device" if device.type != "cuda" else KERNEL.unavailable_because()


def scan_sequences(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
) -> Tensor:
    """See `selective_scan`."""
    if u.dtype == torch.float64:
        return pure_torch.scan(u, delta, A, B, C, D, delta_bias, delta_softplus)
    channels, groups = u.shape[1], B.shape[1]
    bias, skip = (
        (torch.zeros(channels, device=u.device) if x is None else x.float()).contiguous() for x in (delta_bias, D)
    )
    y = torch.empty_like(u)
    u_k, delta_k, y_k = (x.unflatten(1, (groups, -1)).permute(1, 0, 3, 2) for x in (u, delta, y))  # (G, b, L, Dg)
    B_k, C_k = (x.permute(1, 0, 3, 2) for x in (B, C))
    KERNEL.module.scan(u_k, delta_k, None, bias, _log2_decay(A), B_k, C_k, skip, y_k, delta_softplus)
    return y


def scan_image(
    u: Tensor, low_rank: Tensor, delta_weight: Tensor, delta_bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    """See `dispatch.cross_scan`."""
    batch, channels, height, width = u.shape
    tokens = u.permute(0, 2, 3, 1).flatten(1, 2)  # (b, L, C): a view in channels_last memory
    steps, B, C = (x.permute(1, 0, 3, 4, 2).flatten(2, 3) for x in (low_rank, B, C))  # (4, b, L, .)
    y = torch.empty(DIRECTIONS, batch, height * width, channels, device=u.device)
    parameters = (x.contiguous() for x in (delta_weight, delta_bias, _log2_decay(A)))
    KERNEL.module.scan(tokens.expand(DIRECTIONS, -1, -1, -1), steps, *parameters, B, C, D.contiguous(), y, True, height)
    return y.sum(0).unflatten(1, (height, width)).permute(0, 3, 1, 2)


def _log2_decay(A: Tensor) -> Tensor:
    return pure_torch.LOG2_E * A.float().contiguous()


scan = KERNEL.or_else(scan_sequences, pure_torch.scan)
cross_scan = KERNEL.or_else(scan_image, pure_torch.cross_scan)
