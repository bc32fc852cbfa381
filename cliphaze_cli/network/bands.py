"""Evaluating a chain of operations band by band of rows, so that what lies between them stays in the cache."""

from collections.abc import Callable

import torch
from torch import Tensor

BAND_ELEMENTS = 2**18  # of each input, for each thread: a megabyte in float32


def in_bands(function: Callable[..., Tensor], *maps: Tensor, halo: int = 0, plus: Tensor | None = None) -> Tensor:
    """`function(*maps)`, and `plus` added to it, computed in bands on a CPU where no gradients are wanted.

    Args:
        function: maps (B, ., h, W) of equal height to one (B, C, h, W), each row from at most `halo` rows around it.
        maps: (B, ., H, W).
        plus: (B, C, H, W).
    """
    first = maps[0]
    height = first.shape[2]
    rows = max(8 * halo, BAND_ELEMENTS * torch.get_num_threads() // first[:, :, 0].numel(), 1)
    if torch.is_grad_enabled() or first.device.type != "cpu" or rows >= height:
        return function(*maps) if plus is None else plus + function(*maps)
    result = first
    for top in range(0, height, rows):
        bottom, start = min(top + rows, height), max(0, top - halo)
        band = function(*(x[:, :, start : bottom + halo] for x in maps))[:, :, top - start : bottom - start]
        if top == 0:
            size = (band.shape[0], band.shape[1], height, band.shape[3])
            result = torch.empty(size, dtype=band.dtype, memory_format=torch.channels_last)
        rows_of_result = result[:, :, top:bottom]
        if plus is None:
            rows_of_result.copy_(band)
        else:
            torch.add(plus[:, :, top:bottom], band, out=rows_of_result)
    return result
