"""Choose the fastest selective-scan backend that this machine can run.

The order under "auto": mamba-ssm's CUDA kernel, our Triton kernel, numba's compiled kernel on a CPU, pure PyTorch. A
backend without a backward pass is passed over where gradients are wanted. A further backend is one more row of
`_BACKENDS`.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from cliphaze_cli.scan import mamba_cuda, numba_cpu, pure_torch, triton_cuda
from cliphaze_cli.scan.directions import fold_directions, step_sizes, unfold_directions

NO_BACKWARD = "has no backward pass, and gradients are wanted"


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend can run on a device, and if not, why."""

    name: str
    available: bool
    reason: str


@dataclass(frozen=True)
class _Backend:
    """How to call a backend.

    Attributes:
        unavailable_because: why it can't run on a device, "" when it can.
        scan: a function of `selective_scan`'s signature.
        cross_scan: a function of `cross_scan`'s signature, or None where sequences have to be laid out for `scan`.
        differentiable: whether autograd can go through it.
    """

    unavailable_because: Callable[[torch.device], str]
    scan: Callable[..., Tensor]
    cross_scan: Callable[..., Tensor] | None
    differentiable: bool


_BACKENDS: dict[str, _Backend] = {
    "mamba-ssm": _Backend(mamba_cuda.unavailable_because, mamba_cuda.scan, None, True),
    "triton": _Backend(triton_cuda.unavailable_because, triton_cuda.scan, triton_cuda.cross_scan, False),
    "numba": _Backend(numba_cpu.unavailable_because, numba_cpu.scan, numba_cpu.cross_scan, False),
    "torch": _Backend(lambda device: "", pure_torch.scan, pure_torch.cross_scan, True),
}


def backends(device: torch.device | str = "cpu") -> list[BackendStatus]:
    """Every backend in the order of preference, with its availability on `device`."""
    reasons = {name: backend.unavailable_because(torch.device(device)) for name, backend in _BACKENDS.items()}
    return [BackendStatus(name, not reason, reason or "available") for name, reason in reasons.items()]


def chosen(device: torch.device | str = "cpu", gradients: bool = False) -> str:
    """Name of the backend that "auto" runs on `device`."""
    device = torch.device(device)
    usable = (name for name, backend in _BACKENDS.items() if backend.differentiable or not gradients)
    return next(name for name in usable if not _BACKENDS[name].unavailable_because(device))


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
        y, (b, D, L), in u's dtype. The state is kept in float32 (float64 for double input, but by the CUDA backends).

    Raises:
        ValueError: shapes do not fit, or an unknown backend.
        RuntimeError: the named backend cannot run on u's device, or gradients are wanted and it has none.
    """
    B, C = (x.unsqueeze(1) if x.dim() == 3 else x for x in (B, C))
    _check_shapes(u, delta, A, B, C)
    inputs = (u, delta, A, B, C, D, delta_bias)
    return _backend(backend, inputs).scan(*inputs, delta_softplus)


def cross_scan(
    u: Tensor,
    low_rank: Tensor,
    delta_weight: Tensor,
    delta_bias: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    backend: str = "auto",
) -> Tensor:
    """The selective scans of an image along its four directions, summed; see `directions`.

    Step sizes are delta = softplus(delta_weight @ low_rank + delta_bias). Everything is float32, and fastest in
    channels_last memory; autocast has no say in it.

    Args:
        u: (b, C, H, W). low_rank: (b, 4, rank, H, W). delta_weight: (4, C, rank). delta_bias, D: (4, C).
        A: (4, C, N). B, C: (b, 4, N, H, W).
        backend: "auto", or the name of one of `backends()`.

    Returns:
        y, (b, C, H, W) float32.

    Raises:
        ValueError, RuntimeError: as of `selective_scan`.
    """
    inputs = tuple(x.float() for x in (u, low_rank, delta_weight, delta_bias, A, B, C, D))
    implementation = _backend(backend, inputs)
    device = u.device.type
    with torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext():
        if implementation.cross_scan is not None:
            return implementation.cross_scan(*inputs)
        return _cross_scan_of_sequences(implementation.scan, *inputs)


def _cross_scan_of_sequences(
    scan: Callable[..., Tensor],
    u: Tensor,
    low_rank: Tensor,
    delta_weight: Tensor,
    delta_bias: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
) -> Tensor:
    """`cross_scan` of a backend that knows sequences only: the directions are copied into their own order."""
    steps = low_rank.movedim(2, -1)
    delta = torch.stack([step_sizes(steps[:, k], delta_weight[k], delta_bias[k]) for k in range(len(A))], 1)
    delta = delta.movedim(-1, 2)
    u_and_delta = (unfold_directions(x).flatten(1, 2) for x in (u.unsqueeze(1).expand_as(delta), delta))
    B, C = unfold_directions(B), unfold_directions(C)
    y = scan(*u_and_delta, A.flatten(0, 1), B, C, D.flatten(), None, True)
    return fold_directions(y.unflatten(1, (len(A), -1)), *u.shape[-2:])


def _backend(name: str, inputs: tuple[Tensor | None, ...]) -> _Backend:
    """The backend called `name`, or what "auto" finds, for these inputs (the first of which tells the device)."""
    gradients = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in inputs)
    device = next(x.device for x in inputs if x is not None)
    if name == "auto":
        return _BACKENDS[chosen(device, gradients)]
    if name not in _BACKENDS:
        raise ValueError(f"unknown scan backend {name!r}; choose auto or one of {', '.join(_BACKENDS)}")
    backend = _BACKENDS[name]
    if reason := backend.unavailable_because(device):
        raise RuntimeError(f"scan backend {name!r} cannot run on {device}: {reason}")
    if gradients and not backend.differentiable:
        raise RuntimeError(f"scan backend {name!r} {NO_BACKWARD}; use auto or torch")
    return backend


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
