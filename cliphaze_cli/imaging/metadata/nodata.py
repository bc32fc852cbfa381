"""Pixels without data in maps: orthophotos are surrounded by them, and programs know them by their value (GDAL)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging.bitdepth import row_bands
from cliphaze_cli.imaging.metadata import tiff_tags
from cliphaze_cli.imaging.photo import Photo


def kept(photo: Photo, pixels: NDArray[Any]) -> NDArray[Any]:
    """New pixels for a photo (H, W, 3), with its pixels without data as they were and no others that look like them.

    `pixels` itself if there is nothing to do.
    """
    value = tiff_tags.nodata_of(photo.tags)
    same = pixels.shape == photo.pixels.shape and pixels.dtype == photo.pixels.dtype
    if value is None or not same or not 0 <= value <= np.iinfo(pixels.dtype).max or value != int(value):
        return pixels
    mark = int(value)
    result = pixels.copy()
    for rows in row_bands(len(pixels), 3 * pixels.shape[1]):
        empty = (photo.pixels[rows] == mark).all(axis=2)
        confused = (pixels[rows] == mark).all(axis=2) & ~empty
        result[rows][empty] = mark
        result[rows][confused] = mark + 1 if mark == 0 else mark - 1
    return result
