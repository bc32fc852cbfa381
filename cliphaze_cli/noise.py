"""What of the noise the haze has hidden stays hidden.

Dehazing divides by the transmission, and what it divides is the scene with the noise of the sensor and of JPEG. What is
amplified is therefore the photo after a local Wiener filter (Lee 1980): S = mean + detail * (I - mean), where detail is
the share of the local variance that noise does not explain: near 1 at edges and texture, near 0 in a smooth sky.

Glossary: h w are cells of CELL x CELL pixels, H W pixels; the last cells of a row or column may lack some.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.pixels import full_scale
from cliphaze_cli.strips import in_strips

NOISE = 0.006  # standard deviation in [0, 1]: a good sensor's by day, or what JPEG of quality 90 adds
CELL = 4  # px; a cell is averaged, and a variance is that of 3 x 3 cells
BAND_PIXELS = 1 << 16  # handled at once: stays in the processor's cache


@dataclass(frozen=True, eq=False)
class LocalStatistics:
    """`mean` (h, w, 3) in the unit of the pixels, `detail` (h, w) in [0, 1], both float32; and the pixels they cover:
    multiples of CELL that are not below H and W."""

    mean: NDArray[np.float32]
    detail: NDArray[np.float32]
    covered: tuple[int, int]


def local_statistics(pixels: NDArray) -> LocalStatistics:
    """Local means of pixels (H, W, 3) uint8, uint16 or float32, and the share of their detail that is none of noise."""
    height, width = pixels.shape[:2]
    h, w = -(-height // CELL), -(-width // CELL)
    mean, square = np.empty((h, w, 3), np.float32), np.empty((h, w), np.float32)
    step = max(1, BAND_PIXELS // (CELL * width))

    def average_strip(first: int, last: int) -> None:
        for top in range(first, last, step):
            cells = slice(top, min(top + step, last))
            rows = pixels[CELL * cells.start : CELL * cells.stop].astype(np.float32, order="C")
            below, right = -rows.shape[0] % CELL, -width % CELL
            if below or right:
                rows = np.asarray(cv2.copyMakeBorder(rows, 0, below, 0, right, cv2.BORDER_REPLICATE), np.float32)
            mean[cells] = _averaged(rows)
            square[cells] = _averaged(np.square(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)))

    in_strips(average_strip, h, height * width)
    variance = cv2.blur(square, (3, 3)) - np.square(cv2.blur(cv2.cvtColor(mean, cv2.COLOR_RGB2GRAY), (3, 3)))
    np.maximum(variance, 0, out=variance)
    detail = variance / (variance + np.float32((NOISE * full_scale(pixels.dtype)) ** 2))
    return LocalStatistics(mean, np.asarray(detail, np.float32), (CELL * h, CELL * w))


def _averaged(rows: NDArray) -> NDArray:
    size = (rows.shape[1] // CELL, rows.shape[0] // CELL)
    return cv2.resize(rows, size, interpolation=cv2.INTER_AREA)
