"""Blending a frame with its past, compiled by numba for CPUs; imported only where numba is installed."""

import numpy as np

from cliphaze_cli.system.numba_compile import compiled


@compiled
def blend(now, past, weight, mean):  # type: ignore[no-untyped-def]
    """mean = now + weight * (past - now).

    now: (H, W, 3) uint8 or uint16. past, mean: the same, float32. weight: float32, one for each 2 x 2 pixels.
    """
    for y in range(now.shape[0]):
        for x in range(now.shape[1]):
            share = weight[y >> 1, x >> 1]
            for c in range(3):
                new = np.float32(now[y, x, c])
                mean[y, x, c] = new + share * (past[y, x, c] - new)
