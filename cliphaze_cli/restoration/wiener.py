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

from cliphaze_cli.restoration.pixels import full_scale
from cliphaze_cli.restoration.rows import in_strips
from cliphaze_cli.system.rows import row_bands, rows_in

NOISE = 0.006  # its standard deviation, in [0, 1]; twice as much begins to blur twigs and lamps behind haze
CELL = 4  # px; a cell is averaged, and a variance is that of 3 x 3 cells
MARGIN = CELL
BAND_PIXELS = 1 << 16  # handled at once: stays in the processor's cache


@dataclass(frozen=True, eq=False)
class LocalStatistics:
    """`mean` (h + 2, w + 2, 3) in the unit of the pixels and `detail` (h + 2, w + 2) in [0, 1], both float32, with one
    cell more on each side; and the rows and columns that they cover, of which MARGIN lie before the photo's first."""

    mean: NDArray[np.float32]
    detail: NDArray[np.float32]
    covered: tuple[int, int]


def local_statistics(pixels: NDArray, scale: float | None = None) -> LocalStatistics:
    """Local means of pixels (H, W, 3) uint8, uint16 or float32, and the share of their detail that is none of noise.

    scale: what stands for 1 in pixels; default: as usual for their type.
    """
    scale = scale or full_scale(pixels.dtype)
    height, width = pixels.shape[:2]
    h, w = -(-height // CELL), -(-width // CELL)
    around, square = np.empty((h + 2, w + 2, 3), np.float32), np.empty((h, w), np.float32)
    mean = around[1:-1, 1:-1]
    step = rows_in(BAND_PIXELS, CELL * width)  # of cells

    def average_strip(first: int, last: int) -> None:
        for cells in row_bands(first, last, step):
            rows = pixels[CELL * cells.start : CELL * cells.stop].astype(np.float32, order="C")
            below, right = -rows.shape[0] % CELL, -width % CELL
            if below or right:
                rows = np.asarray(cv2.copyMakeBorder(rows, 0, below, 0, right, cv2.BORDER_REPLICATE), np.float32)
            mean[cells] = _averaged(rows)
            # OpenCV has the weights of LUMA, and makes one plane here where `luma_of_rows` makes three.
            square[cells] = _averaged(np.square(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)))

    in_strips(average_strip, h, height * width)
    _continue_outwards(around)
    detail = np.pad(_share_of_detail(square, mean, scale), 1, mode="edge")
    return LocalStatistics(around, detail, (CELL * (h + 2), CELL * (w + 2)))


def _share_of_detail(square: NDArray[np.float32], mean: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Of the variance of 3 x 3 cells, from their luma's mean square, which is overwritten, and their mean colours."""
    variance = np.asarray(cv2.blur(square, (3, 3)), np.float32)
    luma = cv2.cvtColor(mean, cv2.COLOR_RGB2GRAY)
    cv2.blur(luma, (3, 3), dst=square)
    np.square(square, out=square)
    variance -= square
    np.maximum(variance, 0, out=variance)
    return np.divide(variance, np.add(variance, (NOISE * scale) ** 2, out=square), out=variance)


def _continue_outwards(around: NDArray[np.float32]) -> None:
    """Fill the cells at the border, so that what slopes towards the border of the photo goes on sloping."""
    for rows in (around[:, 1:-1], around.swapaxes(0, 1)):
        for outer, edge, inner in ((0, 1, 2), (-1, -2, -3)):
            rows[outer] = 2 * rows[edge] - rows[inner] if len(rows) > 3 else rows[edge]


def _averaged(rows: NDArray) -> NDArray:
    size = (rows.shape[1] // CELL, rows.shape[0] // CELL)
    return cv2.resize(rows, size, interpolation=cv2.INTER_AREA)
