"""Bilinear enlargement of maps on a CPU, in bands of full-resolution rows, so that memory stays bounded.

One layout throughout: a row of a map holds its M kinds one after the other, each with its C channels interleaved as in
pixel arrays. Enlarging columns is OpenCV's; enlarging rows is a product with a band's small matrix of weights.

Glossary: h w low resolution, H W full resolution.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BAND_PIXELS = 1 << 16  # of full resolution: what is computed from a band stays in the processor's cache
_MOST_ROWS = 32  # the matrix of weights is mostly zeros, and the more so the more rows it makes
_BANDS_WIDENED = 8  # for which columns are enlarged at once, since neighbouring bands share rows of the maps


def enlarged_bands(
    maps: NDArray[np.float32], height: int, width: int, covered: tuple[int, int] | None = None
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Enlarge maps as `F.interpolate(..., mode="bilinear")` does, band by band from top to bottom.

    Args:
        maps: (h, M, w, C). height, width: H and W.
        covered: rows and columns that the maps cover, where those are more than H and W.

    Yields:
        (top, bottom, band): rows top..bottom as (bottom - top, M, W * C) float32, valid until the next is asked for.
    """
    h, kinds, _, channels = maps.shape
    covered_height, covered_width = covered or (height, width)
    rows = min(max(1, BAND_PIXELS // width), _MOST_ROWS)
    buffer = np.empty((rows, kinds * width * channels), np.float32)
    for start in range(0, height, _BANDS_WIDENED * rows):
        stop = min(start + _BANDS_WIDENED * rows, height)
        above, weights = _sources(start, stop, covered_height, h)
        first = int(above[0])
        wide = _widened(maps[first : int(above[-1]) + 2], covered_width, width)
        for top in range(start, stop, rows):
            bottom = min(top + rows, stop)
            inside = slice(top - start, bottom - start)
            lowest = int(above[inside][0])
            mixing = _mixing(above[inside] - lowest, weights[inside], h - lowest)
            used = wide[lowest - first : lowest - first + mixing.shape[1]]
            # By PyTorch: NumPy's product has threads of its own, which no setting of ours reaches.
            torch.mm(torch.from_numpy(mixing), torch.from_numpy(used), out=torch.from_numpy(buffer[: bottom - top]))
            yield top, bottom, buffer[: bottom - top].reshape(bottom - top, kinds, width * channels)


def interleaved(maps: Tensor, channels: int) -> NDArray[np.float32]:
    """(1, M * C, h, w) on a CPU -> (h, M, w, C)."""
    kinds = maps[0].unflatten(0, (-1, channels))  # (M, C, h, w)
    return kinds.permute(2, 0, 3, 1).contiguous().numpy()


def _sources(top: int, bottom: int, height: int, h: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each full-resolution row the map's row above it, and the weight of the one below that."""
    source = np.clip((np.arange(top, bottom) + 0.5) * (h / height) - 0.5, 0, h - 1)
    above = source.astype(np.int64)
    return above, (source - above).astype(np.float32)


def _widened(maps: NDArray[np.float32], covered: int, width: int) -> NDArray[np.float32]:
    """(h, M, w, C) -> (h, M * W * C), columns enlarged to `covered` and cut to W."""
    h, kinds, w, channels = maps.shape
    wide = cv2.resize(maps.reshape(h * kinds, w, channels), (covered, h * kinds), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide.reshape(h * kinds, covered, channels)[:, :width].reshape(h, -1), np.float32)


def _mixing(above: NDArray[np.int64], weights: NDArray[np.float32], available: int) -> NDArray[np.float32]:
    """The matrix (rows, map rows) whose product with a map's rows from above[0] = 0 on is a band."""
    count = min(int(above[-1]) + 2, available)
    below = np.minimum(above + 1, count - 1)  # beneath the last row there is none; its weight is 0
    matrix = np.zeros((len(above), count), np.float32)
    row = np.arange(len(above))
    matrix[row, above] = 1 - weights
    matrix[row, below] += weights
    return matrix
