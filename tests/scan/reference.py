"""The selective scan as its definition says it, one position after the other, in float64."""

import torch
import torch.nn.functional as F
from torch import Tensor


def reference_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
) -> Tensor:
    """`selective_scan` of tensors of any dtype, (b, D, L) in float64."""
    u, delta, A, B, C = (x.double() for x in (u, delta, A, B, C))
    if delta_bias is not None:
        delta = delta + delta_bias.double()[:, None]
    if delta_softplus:
        delta = F.softplus(delta)
    B, C = (x if x.dim() == 4 else x[:, None] for x in (B, C))
    B, C = (x.repeat_interleave(u.shape[1] // x.shape[1], 1) for x in (B, C))  # (b, D, N, L)
    h = torch.zeros(*u.shape[:2], A.shape[1], dtype=torch.float64)
    y = []
    for i in range(u.shape[2]):
        h = torch.exp(delta[..., i, None] * A) * h + (delta * u)[..., i, None] * B[..., i]
        y.append((h * C[..., i]).sum(-1))
    return torch.stack(y, -1) + (0 if D is None else D.double()[:, None] * u)
