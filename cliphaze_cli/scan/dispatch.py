"""Choose the fastest selective-scan backend that this machine can run.

The order under "auto": mamba-ssm's fused CUDA kernel, then pure PyTorch. A further backend is one more row of
`_BACKENDS`: a probe that tells why it can't run, and a function of `selective_scan`'s signature.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cliphaze_cli.scan import mamba_cuda, pure_torch

ScanFunction = Callable[..., Tensor]


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend can run on a device, and if not, why."""

    name: str
    available: bool
    reason: str


def _run_pure_torch(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
) -> Tensor:
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if delta_softplus:
        delta = F.softplus(delta)
    y = pure_torch.scan(u, delta, A, B, C)
    if D is not None:
        y = y + D[:, None] * u
    return y.to(u.dtype)


# name -> (why it can't run on a device, or "" when it can; the scan)
_BACKENDS: dict[str, tuple[Callable[[torch.device], str], ScanFunction]] = {
    "mamba-ssm": (mamba_cuda.unavailable_because, mamba_cuda.scan),
    "torch": (lambda device: "", _run_pure_torch),
}


def backends(device: torch.device | str = "cpu") -> list[BackendStatus]:
    """Every backend in the order of preference, with its availability on `device`."""
    reasons = {name: unavailable(torch.device(device)) for name, (unavailable, _) in _BACKENDS.items()}
    return [BackendStatus(name, not reason, reason or "available") for name, reason in reasons.items()]


def chosen(device: torch.device | str = "cpu") -> str:
    """Name of the backend that "auto" runs on `device`."""
    return next(status.name for status in backends(device) if status.available)


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    backend: str = "auto",
) -> Tensor:
    """The selective scan of Mamba, with the semantics of mamba-ssm's `selective_scan_fn`.

    h_l = exp(delta_l A) h_{l-1} + delta_l B_l u_l,  y_l = C_l h_l + D u_l, independently for each of D channels.

    Args:
        u, delta: (b, D, L), float16, bfloat16, float32 or float64.
        A: (D, N), negative for a stable recurrence. D, delta_bias: (D,).
        B, C: (b, G, N, L), or (b, N, L) for one group; each group serves D / G consecutive channels.
        delta_softplus: apply softplus to delta (after adding delta_bias).
        backend: "auto", or the name of one of `backends()`.

    Returns:
        y, (b, D, L), in u's dtype. The state is kept in float32 (float64 for double input).

    Raises:
        ValueError: shapes do not fit, or an unknown backend.
        RuntimeError: the named backend cannot run on u's device.
    """
    B, C = (x.unsqueeze(1) if x.dim() == 3 else x for x in (B, C))
    _check_shapes(u, delta, A, B, C)
    name = chosen(u.device) if backend == "auto" else backend
    if name not in _BACKENDS:
        raise ValueError(f"unknown scan backend {name!r}; choose auto or one of {', '.join(_BACKENDS)}")
    unavailable, scan = _BACKENDS[name]
    if reason := unavailable(u.device):
        raise RuntimeError(f"scan backend {name!r} cannot run on {u.device}: {reason}")
    return scan(u, delta, A, B, C, D, delta_bias, delta_softplus)


def _check_shapes(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> None:
    batch, channels, length = u.shape
    states, groups = A.shape[1], B.shape[1]
    expected = (batch, groups, states, length)
    if delta.shape != u.shape or A.shape[0] != channels or B.shape != expected or C.shape != expected:
        raise ValueError(
            f"selective_scan shapes do not fit: u {tuple(u.shape)}, delta {tuple(delta.shape)}, A {tuple(A.shape)}, "
            f"B {tuple(B.shape)}, C {tuple(C.shape)}"
        )
    if channels % groups:
        raise ValueError(f"selective_scan: {channels} channels do not divide into {groups} groups")
