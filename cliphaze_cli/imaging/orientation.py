"""EXIF orientation, applied while pixels are copied, so that turning a photo needs no second buffer."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# From the upright array to a view of it in the order in which the file stores its rows.
_STORED_VIEW: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}


def canvas(shape: tuple[int, ...], dtype: DTypeLike, orientation: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """An empty upright array and the view of it to fill.

    shape: (H, W) or (H, W, C) as the file stores the image; orientation: the EXIF value 1..8.
    Returns (upright, stored): contiguous upright pixels, and a view of them of the given shape.
    """
    height, width, *channels = shape
    turned = orientation >= 5
    upright = np.empty((width, height, *channels) if turned else shape, dtype)
    return upright, _STORED_VIEW[orientation](upright)


def upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """`stored` (H, W, ...) turned upright; itself, not a copy, if it already is."""
    if orientation == 1:
        return stored
    result, view = canvas(stored.shape, stored.dtype, orientation)
    view[...] = stored
    return result
