"""Bilinear enlargement of maps on a CPU, in bands of full-resolution rows, so that memory stays bounded.

One layout throughout: a row of a map holds its M kinds one after the other, each with its C channels interleaved as in
pixel arrays.

Glossary: h w low resolution, H W full resolution.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.system.rows import row_bands, rows_in

# Of full resolution. Smaller ones would stay in the processor's cache, but threads that call many short operations wait
# for each other at Python's lock.
BAND_PIXELS = 1 << 17
_MOST_ROWS = 128
_BANDS_WIDENED = 8  # for which columns are enlarged at once, since neighbouring bands share rows of the maps


def enlarged_bands(
    maps: NDArray[np.float32],
    size: tuple[int, int],
    *,
    covered: tuple[int, int] | None = None,
    margin: int = 0,
    strip: tuple[int, int] | None = None,
) -> Iterator[tuple[int, int, Tensor]]:
    """Enlarge maps as `F.interpolate(..., mode="bilinear")` does, band by band from top to bottom.

    Args:
        maps: (h, M, w, C). size: (H, W).
        covered: rows and columns that the maps cover, where those are more than H and W.
        margin: how many of these lie above, and left of, the first.
        strip: first and last of the rows that are wanted, the last one excluded, where those are not all.

    Yields:
        (top, bottom, band): rows top..bottom as (bottom - top, M, W * C), valid until the next is asked for.
    """
    h, kinds, _, channels = maps.shape
    width = size[1]
    covered_height, covered_width = covered or size
    first_row, last_row = strip or (0, size[0])
    rows = min(rows_in(BAND_PIXELS, width), _MOST_ROWS)
    buffer = torch.empty(rows, kinds * width * channels, dtype=torch.float32, device="cpu")
    for wanted in row_bands(first_row, last_row, _BANDS_WIDENED * rows):
        start, stop = wanted.start, wanted.stop
        above, weights = linear_sources(start + margin, stop + margin, covered_height, h)
        first = int(above[0])
        # Beneath the last row there is none, and it has no weight.
        sources = np.arange(first, above[-1] + 2).clip(max=h - 1)
        widened = _widened(maps[sources], covered_width)[:, :, margin : margin + width]
        wide = torch.from_numpy(widened.reshape(len(sources), -1))
        for band in row_bands(0, stop - start, rows):
            top, bottom = start + band.start, start + band.stop
            used = above[band] - first
            mixing = _mixing(used - used[0], weights[band])
            torch.mm(mixing, wide[used[0] : used[-1] + 2], out=buffer[: bottom - top])
            yield top, bottom, buffer[: bottom - top].view(bottom - top, kinds, width * channels)


def interleaved(maps: Tensor, channels: int) -> NDArray[np.float32]:
    """(1, M * C, h, w) on a CPU -> (h, M, w, C)."""
    kinds = maps[0].unflatten(0, (-1, channels))  # (M, C, h, w)
    return kinds.permute(2, 0, 3, 1).contiguous().numpy()


def linear_sources(top: int, bottom: int, height: int, h: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each row (or column) of the full resolution the map's row before it, and the weight of the next one."""
    source = np.clip((np.arange(top, bottom) + 0.5) * (h / height) - 0.5, 0, h - 1)
    above = source.astype(np.int64)
    return above, (source - above).astype(np.float32)


def _mixing(above: NDArray[np.int64], weights: NDArray[np.float32]) -> Tensor:
    """(rows, sources): each row is a mean of the source above it and the next one, which has the weight."""
    mixing = np.zeros((len(above), above[-1] + 2), np.float32)
    row = np.arange(len(above))
    mixing[row, above], mixing[row, above + 1] = 1 - weights, weights
    return torch.from_numpy(mixing)


def _widened(maps: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """(h, M, w, C) -> (h, M, width, C)."""
    h, kinds, w, channels = maps.shape
    wide = cv2.resize(maps.reshape(h * kinds, w, channels), (width, h * kinds), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide.reshape(h, kinds, width, channels), np.float32)
