"""Selective scan in pure PyTorch, for any device, differentiable; Mamba (Gu and Dao 2023), equations 2 and 4.

One state of N is handled at a time, so no (L, D, N) tensor ever exists; the state is float32 (float64 for double).
Forward runs the positions of a chunk in blocks that stay in the cache, twice: once for the chunks' last states, and,
those being carried, once more for the output. Backward recomputes the states, as Mamba's CUDA kernel does, and runs the
same scan the other way.

Glossary: b batch, D channels, L positions, N state size, G groups of channels that share B and C, Dg = D / G;
T, n and the layout (T, b, n, ...): see `tiled`.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from cliphaze_cli.scan.directions import along, back_in_place, is_backward, step_sizes
from cliphaze_cli.scan.tiled import chunk_length, entering_states, in_order, linear_scan_, tile, untile

LOG2_E = math.log2(math.e)  # exp2 is 2.5 times faster than exp on a CPU
BLOCK_ELEMENTS = 2**18  # handled at a time by each thread: 1 MB per buffer


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
    """See `selective_scan`; any dtype, any device, differentiable."""
    dtype = torch.float64 if u.dtype == torch.float64 else torch.float32
    length, groups, chunk = u.shape[-1], B.shape[1], chunk_length(u.shape[-1])
    delta = delta.to(dtype)
    if delta_bias is not None:
        delta = delta + delta_bias.to(dtype)[:, None]
    if delta_softplus:
        delta = F.softplus(delta)
    u_t, delta_t = (tile(x.to(dtype).unflatten(1, (groups, -1)), chunk) for x in (u, delta))
    B_t, C_t = (tile(x.to(dtype), chunk) for x in (B, C))
    y_t = _Scan.apply(u_t, delta_t, A.to(dtype).unflatten(0, (groups, -1)), B_t, C_t)
    y = untile(y_t, length).flatten(1, 2)
    if D is not None:
        y = y + D[:, None] * u
    return y.to(u.dtype)


def cross_scan(
    u: Tensor, low_rank: Tensor, delta_weight: Tensor, delta_bias: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    """See `dispatch.cross_scan`; what is read often is laid out in memory as it runs, once per pair of directions."""
    rows, columns = (0, 1), (2, 3)
    u_t = along(rows[0], u).contiguous()
    y_t = u_t * D.sum(0)
    for pair in (rows, columns):
        if pair is columns:
            u_t, y_t = along(columns[0], u).contiguous(), y_t.transpose(0, 2).contiguous()
        both = (along(pair[0], x[:, pair[0] : pair[1] + 1]).movedim(3, 0).contiguous() for x in (low_rank, B, C))
        for k, steps, B_t, C_t in zip(pair, *both, strict=True):
            delta_t = F.softplus(step_sizes(steps, delta_weight[k], delta_bias[k]))
            inputs = (u_t.unsqueeze(3), delta_t.unsqueeze(3), A[k][None], B_t.unsqueeze(3), C_t.unsqueeze(3))
            if torch.is_grad_enabled():
                y_t = y_t + _Scan.apply(*inputs, is_backward(k)).squeeze(3)
            else:
                accumulate_(y_t.unsqueeze(3), *inputs, is_backward(k))
    return back_in_place(columns[0], y_t)


class _Scan(torch.autograd.Function):
    """u, delta (T, b, n, G, Dg), A (G, Dg, N), B, C (T, b, n, G, N), whether to run backwards -> y, like u."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, reverse: bool = False) -> Tensor:
        ctx.save_for_backward(u, delta, A, B, C)
        ctx.reverse = reverse
        return accumulate_(torch.zeros_like(u), u, delta, A, B, C, reverse)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        u, delta, A, B, C = ctx.saved_tensors
        delta_u = delta * u
        grad_u, grad_delta = torch.zeros_like(u), torch.zeros_like(u)
        grad_A, grad_B, grad_C = torch.empty_like(A), torch.empty_like(B), torch.empty_like(C)
        for s in range(A.shape[-1]):
            A_s, B_s, C_s = A[..., s].contiguous(), B[..., s, None], C[..., s, None]
            decay = torch.exp2(delta * (A_s * LOG2_E))
            drive = delta_u * B_s
            h = linear_scan_(decay.clone(), drive.clone(), ctx.reverse)
            grad_C[..., s] = (grad_y * h).sum(-1)
            grad_h = linear_scan_(_of_next(decay, ctx.reverse), grad_y * C_s, not ctx.reverse)
            grad_B[..., s] = (grad_h * delta_u).sum(-1)
            grad_log_decay = h.sub_(drive).mul_(grad_h)  # h - drive = decay * h_{l-1}
            grad_A[..., s] = (grad_log_decay * delta).sum((0, 1, 2))
            grad_delta.addcmul_(grad_log_decay, A_s)
            grad_drive = grad_h.mul_(B_s)
            grad_delta.addcmul_(grad_drive, u)
            grad_u.addcmul_(grad_drive, delta)
        return grad_u, grad_delta, grad_A, grad_B, grad_C, None


def accumulate_(y: Tensor, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, reverse: bool = False) -> Tensor:
    """Add sum_N C_l h_l, with h_l = exp(delta_l A) h_{l-1} + delta_l B_l u_l, to y, tiled like u; shapes: `_Scan`."""
    log2_decay = (A * LOG2_E).movedim(-1, 0).contiguous()  # (N, G, Dg), contiguous as strided factors are slow
    buffers = _Buffers(u)
    h = delta.new_zeros(*delta.shape[1:3], *log2_decay.shape)  # (b, n, N, G, Dg)
    for _ in buffers.run(h, u, delta, log2_decay, B, reverse):
        pass
    total = delta.sum(0)
    h = entering_states(torch.exp2(total.unsqueeze(2) * log2_decay), h, reverse)
    for block, s, states in buffers.run(h, u, delta, log2_decay, B, reverse):
        y[block].addcmul_(states, C[block][..., s, None])
    return y


class _Buffers:
    """Room for the decays and states of as many positions of all chunks as stay in the cache."""

    def __init__(self, like: Tensor) -> None:
        step = like[0]
        block = BLOCK_ELEMENTS * torch.get_num_threads()
        self.positions = max(1, min(len(like), block // max(1, step.numel())))
        self.decay, self.drive, self.delta_u = like.new_empty(3, self.positions, *step.shape).unbind(0)
        self.decays, self.states = self.decay.unbind(0), self.drive.unbind(0)

    def run(
        self, h: Tensor, u: Tensor, delta: Tensor, log2_decay: Tensor, B: Tensor, reverse: bool
    ) -> Iterator[tuple[slice, int, Tensor]]:
        """Yield the states of one block of positions for each of N; h holds what they start from, and then end with."""
        for start in in_order(-(-len(u) // self.positions), reverse):
            block = slice(start * self.positions, min((start + 1) * self.positions, len(u)))
            count = block.stop - block.start
            decay, drive, delta_u = self.decay[:count], self.drive[:count], self.delta_u[:count]
            torch.mul(delta[block], u[block], out=delta_u)
            for s, rate in enumerate(log2_decay):
                torch.exp2(torch.mul(delta[block], rate, out=decay), out=decay)
                torch.mul(delta_u, B[block][..., s, None], out=drive)
                state = h[:, :, s]
                for i in in_order(count, reverse):
                    state = self.states[i].addcmul_(self.decays[i], state)
                h[:, :, s] = state
                yield block, s, drive


def _of_next(decay: Tensor, reverse: bool) -> Tensor:
    """Each position receives the decay of the position after it: the factor its state's gradient flows back with."""
    shifted = torch.zeros_like(decay)
    if reverse:
        shifted[1:] = decay[:-1]
        shifted[0, :, 1:] = decay[-1, :, :-1]
    else:
        shifted[:-1] = decay[1:]
        shifted[-1, :, :-1] = decay[0, :, 1:]
    return shifted
