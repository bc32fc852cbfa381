"""The selective scan in Triton, for CUDA; imported only where triton is installed.

Every chunk of a sequence is scanned as if it began with h = 0 and leaves its last state and the sum of its step sizes;
the states are carried from chunk to chunk; every chunk is scanned again from where it really begins, and writes y.
Chunks run in parallel, which keeps a GPU busy where channels alone are too few. Directions of an image are an order in
which tokens are visited, so nothing is copied. The state is float32.

Glossary: K sequences that share tokens (four directions of an image) or channel groups, b samples, L positions,
D channels of one of K, N state size, R rank. All tensors may have any strides; neighbouring channels are read together.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

CHUNK = 128  # positions
MAX_CHANNELS = 64  # of a program
LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def _softplus(x):  # type: ignore[no-untyped-def]
    """log(1 + exp(x)); log1p as a series of atanh, since log(1 + z) loses small z."""
    z = tl.exp2(-tl.abs(x) * LOG2_E)
    s = z / (2.0 + z)
    q = s * s
    series = 1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q / 15))))))
    return tl.maximum(x, 0.0) + 2 * s * series


@triton.jit
def scan_chunks(  # type: ignore[no-untyped-def]  # noqa: PLR0915 - one kernel, one pass over memory
    u, steps, weight, bias, log2_decay, B, C, skip, y, state, total,
    u_k, u_b, u_l, u_d, steps_k, steps_b, steps_l, steps_c, B_k, B_b, B_l, B_n, C_k, C_b, C_l, C_n, y_k, y_b, y_l, y_d,
    samples, length, height, channels, states, rank,
    DIRECTIONS: tl.constexpr, SOFTPLUS: tl.constexpr, RANK: tl.constexpr, FINAL: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK_D: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    """Scan one chunk of one block of channels: from zero, leaving state and total, or (FINAL) from state, writing y.

    u (K, b, L, D); steps (K, b, L, R), or delta itself (K, b, L, D) if RANK is 0; weight (K, D, R); bias, skip (K, D);
    log2_decay: A / ln 2, (K, D, N); B, C (K, b, L, N); y (K, b, L, D); state (K, b, chunks, D, N); total without N.
    """
    chunk, chunks = tl.program_id(0), tl.num_programs(0)
    k, sample = (tl.program_id(2) // samples).to(tl.int64), (tl.program_id(2) % samples).to(tl.int64)
    d = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D)
    n = tl.arange(0, BLOCK_N)
    r = tl.arange(0, BLOCK_R)
    is_d, is_n, is_r = d < channels, n < states, r < rank
    is_dn = is_d[:, None] & is_n[None, :]
    of_k = k * channels + d
    rate = tl.load(log2_decay + of_k[:, None] * states + n[None, :], mask=is_dn, other=0.0)
    own_bias = tl.load(bias + of_k, mask=is_d, other=0.0)
    own_skip = tl.load(skip + of_k, mask=is_d, other=0.0)
    if RANK:
        of_rank = of_k[:, None] * rank + r[None, :]
        own_weight = tl.load(weight + of_rank, mask=is_d[:, None] & is_r[None, :], other=0.0)
    of_chunk = ((k * samples + sample) * chunks + chunk) * channels + d
    of_state = of_chunk[:, None] * states + n[None, :]
    h = tl.zeros((BLOCK_D, BLOCK_N), tl.float32)
    if FINAL:
        h = tl.load(state + of_state, mask=is_dn, other=0.0)
    sum_of_steps = tl.zeros((BLOCK_D,), tl.float32)
    u += k * u_k + sample * u_b
    steps += k * steps_k + sample * steps_b
    B += k * B_k + sample * B_b
    C += k * C_k + sample * C_b
    y += k * y_k + sample * y_b
    first = chunk.to(tl.int64) * CHUNK
    for i in range(0, CHUNK):
        position = first + i
        inside = (position < length).to(tl.int32)  # 0 beyond the end, where every mask is empty
        token = position
        if DIRECTIONS:  # along rows, along rows backwards, along columns, along columns backwards
            token = tl.where(k % 2 == 1, length - 1 - position, position)
            token = tl.where(k >= 2, token % height * (length // height) + token // height, token)
        is_here = d < channels * inside
        x = tl.load(u + token * u_l + d * u_d, mask=is_here, other=0.0).to(tl.float32)
        if RANK:
            few = tl.load(steps + token * steps_l + r * steps_c, mask=r < rank * inside, other=0.0).to(tl.float32)
            delta = tl.sum(own_weight * few[None, :], 1) + own_bias
        else:
            delta = tl.load(steps + token * steps_l + d * steps_c, mask=is_here, other=0.0).to(tl.float32) + own_bias
        if SOFTPLUS:
            delta = _softplus(delta)
        delta = tl.where(is_here, delta, 0.0)  # beyond the end nothing decays
        drive = tl.load(B + token * B_l + n * B_n, mask=n < states * inside, other=0.0).to(tl.float32)
        h = tl.exp2(delta[:, None] * rate) * h + (delta * x)[:, None] * drive[None, :]
        if FINAL:
            read = tl.load(C + token * C_l + n * C_n, mask=n < states * inside, other=0.0).to(tl.float32)
            out = tl.sum(h * read[None, :], 1) + own_skip * x
            tl.store(y + token * y_l + d * y_d, out.to(y.dtype.element_ty), mask=is_here)
        else:
            sum_of_steps += delta
    if not FINAL:
        tl.store(state + of_state, h, mask=is_dn)
        tl.store(total + of_chunk, sum_of_steps, mask=is_d)


@triton.jit
def carry_states(state, total, log2_decay, samples, chunks, channels, states, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    """Replace each chunk's last state by the state it begins with; shapes: `scan_chunks`."""
    dn = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    sequence = tl.program_id(1).to(tl.int64)
    inside = dn < channels * states
    rate = tl.load(log2_decay + sequence // samples * channels * states + dn, mask=inside, other=0.0)
    entering = tl.zeros((BLOCK,), tl.float32)
    for chunk in range(0, chunks):
        of_chunk = sequence * chunks + chunk
        last = tl.load(state + of_chunk * channels * states + dn, mask=inside, other=0.0)
        steps = tl.load(total + of_chunk * channels + dn // states, mask=inside, other=0.0)
        tl.store(state + of_chunk * channels * states + dn, entering, mask=inside)
        entering = last + tl.exp2(steps * rate) * entering


def scan(
    u: Tensor, steps: Tensor, weight: Tensor | None, bias: Tensor, log2_decay: Tensor, B: Tensor, C: Tensor,
    skip: Tensor, y: Tensor, softplus: bool, height: int = 0,
) -> None:  # fmt: skip
    """Write the scans of K sequences, or (height > 0) of an image's four directions, to y; shapes: `scan_chunks`."""
    K, samples, length, channels = y.shape
    states, rank = log2_decay.shape[-1], 0 if weight is None else weight.shape[-1]
    chunks = triton.cdiv(length, CHUNK)
    block = min(MAX_CHANNELS, triton.next_power_of_2(channels))
    state = torch.empty(K, samples, chunks, channels, states, device=u.device)
    total = torch.empty(K, samples, chunks, channels, device=u.device)
    grid = (chunks, triton.cdiv(channels, block), K * samples)
    constants: dict[str, Any] = {
        "DIRECTIONS": height > 0,
        "SOFTPLUS": softplus,
        "RANK": rank,
        "CHUNK": CHUNK,
        "BLOCK_D": block,
        "BLOCK_N": triton.next_power_of_2(states),
        "BLOCK_R": triton.next_power_of_2(max(1, rank)),
        "num_warps": max(1, block * triton.next_power_of_2(states) // 64),
    }

    def run(final: bool) -> None:
        scan_chunks[grid](
            u, steps, u if weight is None else weight, bias, log2_decay, B, C, skip, y, state, total,
            *u.stride(), *steps.stride(), *B.stride(), *C.stride(), *y.stride(),
            samples, length, max(1, height), channels, states, rank, FINAL=final, **constants,
        )  # fmt: skip

    run(final=False)
    carry_block = 128
    carry_grid = (triton.cdiv(channels * states, carry_block), K * samples)
    carry_states[carry_grid](state, total, log2_decay, samples, chunks, channels, states, BLOCK=carry_block)
    run(final=True)
