"""Tiled two-pass linear recurrence in pure PyTorch: h_l = a_l * h_{l-1} + b_l.

The sequence of length L is cut into n chunks of T. Pass one runs the T positions of all chunks at once, as if every
chunk began with h = 0; pass two carries the chunks' last states across the n chunks and adds what they contribute.
That takes T + n vectorised steps instead of L. Tensors are laid out (T, b, n, ...): every step is one slice. An image
in channels_last memory has that layout as it is when read along its columns, and is a view away from it along its rows.

Glossary: b batch, T chunk length, n number of chunks, L = T * n positions after padding.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor


def chunk_length(length: int) -> int:
    """The T that balances the T steps of pass one against the n steps of pass two."""
    return max(1, math.ceil(math.sqrt(length)))


def tile(x: Tensor, chunk: int) -> Tensor:
    """(b, ..., L) -> (T, b, n, ...), zero-padded at the end; `untile` is the inverse."""
    padding = -x.shape[-1] % chunk
    if padding:
        x = F.pad(x, (0, padding))
    return x.unflatten(-1, (-1, chunk)).movedim((-1, 0, -2), (0, 1, 2)).contiguous()


def untile(x: Tensor, length: int) -> Tensor:
    """(T, b, n, ...) -> (b, ..., L)."""
    return x.movedim((0, 1, 2), (-1, 0, -2)).flatten(-2)[..., :length]


def in_order(count: int, reverse: bool) -> range:
    """0 .. count - 1, or backwards."""
    return range(count - 1, -1, -1) if reverse else range(count)


def linear_scan_(a: Tensor, b: Tensor, reverse: bool = False) -> Tensor:
    """Turn b into the states h of the recurrence, in place, and return it; `a` is overwritten too.

    Args:
        a, b: decay and input, tiled to (T, b, n, ...).
        reverse: run from the last position to the first, h_l = a_l * h_{l+1} + b_l.
    """
    decays, states = a.unbind(0), b.unbind(0)
    previous = None
    for i in in_order(len(states), reverse):
        if previous is not None:
            states[i].addcmul_(decays[i], states[previous])
            decays[i].mul_(decays[previous])  # becomes the product of decays since the chunk's start
        previous = i
    last = 0 if reverse else -1
    return b.addcmul_(a, entering_states(decays[last], states[last], reverse))


def entering_states(decay: Tensor, last: Tensor, reverse: bool) -> Tensor:
    """The state with which each chunk begins, (b, n, ...).

    Args:
        decay: product of a chunk's decays. last: its last state, had it begun with zero. Both (b, n, ...).
    """
    entering = torch.zeros_like(last)
    entered, decays, lasts = entering.unbind(1), decay.unbind(1), last.unbind(1)
    order = in_order(len(lasts), reverse)
    for j, following in itertools.pairwise(order):
        torch.addcmul(lasts[j], decays[j], entered[j], out=entered[following])
    return entering
