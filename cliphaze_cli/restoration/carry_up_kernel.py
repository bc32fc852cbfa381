"""Carrying maps up and applying them, compiled by numba for CPUs; imported only where numba is installed.

Each pixel is read and written once, and what lies between stays in registers. What is computed is told in
`apply._carry_up_by_bands`. Glossary: h w low resolution, H W full resolution.
"""

import numpy as np

from cliphaze_cli.system.luma import LUMA
from cliphaze_cli.system.numba_compile import compiled

_RED, _GREEN, _BLUE = (np.float32(share) for share in LUMA)
_ZERO = np.float32(0)


@compiled
def carry_up(pixels, clear, maps, means, details, rows, columns, cell_rows, cell_columns, first, last, limit):  # type: ignore[no-untyped-def]
    """Rows first..last of J = K*S - B + I, in the unit of the pixels.

    pixels, clear: (H, W, 3). maps: (h, w, 4, 3) float32, slopes of K and B, then their offsets. means: (m, n, 3) and
    details: (m, n), float32. rows, columns, and of means and details cell_rows, cell_columns: for each row or column of
    the photo the index of the source before it, and the weight of the next. limit: the largest integer of the pixels'
    type; 0 for floats, which end at 1.
    """
    w, n = maps.shape[1], means.shape[1]
    fit, fit_step = np.empty((w, 4, 3), np.float32), np.zeros((w, 4, 3), np.float32)  # of a row, and to the next column
    cell, cell_step = np.empty((n, 4), np.float32), np.zeros((n, 4), np.float32)
    most = np.float32(limit if limit else 1)
    for y in range(first, last):
        above, t = rows[0][y], rows[1][y]
        below = min(above + 1, maps.shape[0] - 1)
        for x in range(w):
            for kind in range(4):
                for c in range(3):
                    fit[x, kind, c] = maps[above, x, kind, c] + t * (maps[below, x, kind, c] - maps[above, x, kind, c])
        fit_step[:-1] = fit[1:] - fit[:-1]
        above, t = cell_rows[0][y], cell_rows[1][y]
        below = min(above + 1, means.shape[0] - 1)
        for x in range(n):
            for c in range(3):
                cell[x, c] = means[above, x, c] + t * (means[below, x, c] - means[above, x, c])
            cell[x, 3] = details[above, x] + t * (details[below, x] - details[above, x])
        cell_step[:-1] = cell[1:] - cell[:-1]
        for x in range(pixels.shape[1]):
            i, t = columns[0][x], columns[1][x]
            j, s = cell_columns[0][x], cell_columns[1][x]
            red, green, blue = np.float32(pixels[y, x, 0]), np.float32(pixels[y, x, 1]), np.float32(pixels[y, x, 2])
            guide = _RED * red + _GREEN * green + _BLUE * blue
            detail = cell[j, 3] + s * cell_step[j, 3]
            for c in range(3):
                hazy = np.float32(pixels[y, x, c])
                K = fit[i, 2, c] + t * fit_step[i, 2, c] + guide * (fit[i, 0, c] + t * fit_step[i, 0, c])
                B = fit[i, 3, c] + t * fit_step[i, 3, c] + guide * (fit[i, 1, c] + t * fit_step[i, 1, c])
                mean = cell[j, c] + s * cell_step[j, c]
                denoised = mean + detail * (hazy - mean)
                value = min(max(K * denoised + hazy - B, _ZERO), most)
                clear[y, x, c] = np.rint(value) if limit else value
