"""From a photo's pixels to what CLIP's vision tower looks at: resized, in [0, 1], then normalised.

Shapes: H, W the photo's rows and columns; h, w those asked for.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cliphaze_cli.restoration.pixels import FULL_SCALE, rows_as_tensor
from cliphaze_cli.system.rows import row_bands, rows_in

MAX_ASPECT = 8.0  # longer pictures are squashed to this ratio: an endless panorama must not mean endless windows
_BAND_BYTES = 32 * 2**20  # float pixels converted at a time: a 100-megapixel photo is never held as floats


def check_pixels(pixels: NDArray[np.generic]) -> None:
    """Raise ValueError unless `pixels` is a non-empty (H, W, 3) array of uint8, uint16 or float32."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.name not in FULL_SCALE or pixels.size == 0:
        raise ValueError(f"pixels must be (H, W, 3) {', '.join(FULL_SCALE)}, not {pixels.shape} {pixels.dtype}")


def resized(pixels: NDArray[np.generic], height: int, width: int) -> Tensor:
    """Return `pixels` at another size, antialiased bicubic, as CLIP was trained with.

    Args:
        pixels: (H, W, 3) uint8, uint16, or float32 in [0, 1]; RGB.
        height: h, rows of the result.
        width: w, columns of the result.

    Returns:
        (1, 3, h, w) float32 in [0, 1]. Memory beside it stays near 3*H*w floats, whatever W is.
    """
    check_pixels(pixels)
    rows_at_once = rows_in(_BAND_BYTES, pixels.shape[1] * 3 * 4)
    # The filter is separable: columns first, a band of rows at a time, then rows.
    narrowed = []
    for rows in row_bands(0, pixels.shape[0], rows_at_once):
        planes = rows_as_tensor(pixels[rows])  # (1, 3, rows, W)
        narrowed.append(_bicubic(planes, planes.shape[2], width))
    return _bicubic(torch.cat(narrowed, dim=2), height, width).clamp_(0.0, 1.0)


def resized_tensor(image: Tensor, height: int, width: int) -> Tensor:
    """Return an image (1, 3, H, W) in [0, 1] at another size, (1, 3, h, w), by the same filter as `resized`."""
    return _bicubic(image, height, width).clamp_(0.0, 1.0)


def normalised(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return (B, 3, h, w) in [0, 1] shifted and scaled by the model's `mean` and `std`, both (3,)."""
    return (images - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


def fitted_size(height: int, width: int, short_side: float) -> tuple[float, float]:
    """Return (rows, columns) with the given short side and the picture's aspect, squashed at MAX_ASPECT."""
    aspect = min(max(height, width) / min(height, width), MAX_ASPECT)
    long_side = short_side * aspect
    return (short_side, long_side) if height <= width else (long_side, short_side)


def _bicubic(image: Tensor, height: int, width: int) -> Tensor:
    if image.shape[-2:] == (height, width):
        return image
    return F.interpolate(image, size=(height, width), mode="bicubic", align_corners=False, antialias=True)
