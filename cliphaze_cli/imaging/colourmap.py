"""A colour map whose lightness only rises, so that it reads in print and with colour-blind eyes as well."""

import functools

import numpy as np
from numpy.typing import NDArray

# Dark violet, violet, magenta, orange, yellow, pale yellow: evenly spaced on 0..1, of evenly rising lightness.
_ANCHORS = ((13, 8, 54), (79, 18, 123), (148, 38, 118), (214, 72, 72), (246, 132, 40), (252, 197, 66), (250, 252, 180))


@functools.cache
def _table() -> NDArray[np.uint8]:
    anchors = np.array(_ANCHORS, np.float64)
    at = np.linspace(0, 1, len(anchors))
    columns = [np.interp(np.linspace(0, 1, 256), at, anchors[:, channel]) for channel in range(3)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)


def coloured(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values in [0, 1] (clipped), any shape (...) -> RGB (..., 3)."""
    return _table()[np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)]
