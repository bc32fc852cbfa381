"""Tiled two-pass linear recurrence in pure PyTorch: h_l = a_l * h_{l-1} + b_l.

The sequence of length L is cut into n chunks of T. Pass one runs the T positions of all chunks at once, as if every
chunk began with h = 0; pass two carries the chunks' last states across the n chunks and adds what they contribute.
That takes T + n vectorised steps instead of L. Tensors are laid out (T, ..., n): every step reads contiguous memory.

Glossary: T chunk length, n number of chunks, L = T * n positions after padding.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def chunk_length(length: int) -> int:
    """The T that balances the T steps of pass one against the n steps of pass two."""
    return max(1, math.ceil(math.sqrt(length)))


def tile(x: Tensor, chunk: int) -> Tensor:
    """(..., L) -> (T, ..., n), zero-padded at the end; `untile` is the inverse."""
    padding = -x.shape[-1] % chunk
    if padding:
        x = F.pad(x, (0, padding))
    return x.unflatten(-1, (-1, chunk)).movedim(-1, 0).contiguous()


def untile(x: Tensor, length: int) -> Tensor:
    """(T, ..., n) -> (..., L)."""
    return x.movedim(0, -1).flatten(-2)[..., :length]


def linear_scan_(a: Tensor, b: Tensor, reverse: bool = False) -> Tensor:
    """Turn b into the states h of the recurrence, in place, and return it; `a` is overwritten too.

    Args:
        a, b: decay and input, tiled to (T, ..., n).
        reverse: run from the last position to the first, h_l = a_l * h_{l+1} + b_l.
    """
    steps, chunks = a.shape[0], a.shape[-1]
    order = range(steps - 1, -1, -1) if reverse else range(steps)
    previous = None
    for i in order:
        if previous is not None:
            b[i].addcmul_(a[i], b[previous])
            a[i].mul_(a[previous])  # a becomes the product of decays since the chunk's start
        previous = i
    last = order[-1]
    entering = torch.zeros_like(b[last])  # the state with which each chunk begins
    carry_order = range(chunks - 1, 0, -1) if reverse else range(chunks - 1)
    for j in carry_order:
        following = j - 1 if reverse else j + 1
        torch.addcmul(b[last][..., j], a[last][..., j], entering[..., j], out=entering[..., following])
    return b.addcmul_(a, entering)
