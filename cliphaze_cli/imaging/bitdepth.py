"""Exact conversions between sample depths and from colour to grey, in row bands to keep memory flat."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.system import rows
from cliphaze_cli.system.luma import LUMA

_BAND_SAMPLES = 1 << 22
# In 1/65536: they sum to 65536, so three equal channels give exactly their value.
_LUMA = np.array([round(65536 * share) for share in LUMA], dtype=np.uint32)


def row_bands(height: int, samples_per_row: int) -> Iterator[slice]:
    """Slices over rows, each of about four million samples."""
    return rows.row_bands(0, height, rows.rows_in(_BAND_SAMPLES, samples_per_row))


def to_8bit(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """uint16 to uint8 by round(v / 257); uint8 is returned as it is. Any shape (H, ...)."""
    if samples.dtype == np.uint8:
        return samples
    result = np.empty(samples.shape, np.uint8)
    for band in row_bands(len(samples), samples[:1].size):
        result[band] = (samples[band].astype(np.uint32) + 128) // 257
    return result


def luma(pixels: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 3) uint8 or uint16 -> (H, W) of the same dtype; three equal channels give exactly their value."""
    result = np.empty(pixels.shape[:2], pixels.dtype)
    for band in row_bands(len(pixels), pixels[:1].size):
        weighted = pixels[band].astype(np.uint32)
        weighted *= _LUMA
        result[band] = (weighted.sum(axis=2, dtype=np.uint32) + 0x8000) >> 16
    return result
