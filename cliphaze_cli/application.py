"""Apply the affine maps at full resolution: J = K*I - B + I, in row bands, so memory stays bounded."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.guided_filter import apply_rows, bands, fit
from cliphaze_cli.network.cliphaze import apply_maps
from cliphaze_cli.pixels import luma, rows_as_tensor, tensor_as_rows


def dehaze_pixels(pixels: NDArray, working: Tensor, K: Tensor, B: Tensor, strength: float = 1.0) -> NDArray:
    """Dehaze full-resolution pixels by maps estimated at working resolution.

    Args:
        pixels: I, (H, W, 3) uint8, uint16 or float32.
        working: the image the maps were estimated on, (1, 3, h, w) in [0, 1].
        K, B: (1, 3, h, w). If h, w equal H, W they are applied directly, otherwise carried up by the guided filter.
        strength: 0 leaves the image as it is, 1 dehazes fully.

    Returns:
        J, of pixels' shape and dtype.
    """
    height, width = pixels.shape[:2]
    maps = strength * torch.cat([K, B], 1)
    direct = maps.shape[-2:] == (height, width)
    fitted = maps if direct else fit(luma(working), maps)
    clear = np.empty_like(pixels)
    for top, bottom in bands(height, width):
        hazy = rows_as_tensor(pixels[top:bottom], maps.device)
        band = maps[:, :, top:bottom] if direct else apply_rows(fitted, luma(hazy), top, height)
        clear[top:bottom] = tensor_as_rows(apply_maps(hazy, *band.chunk(2, 1)), pixels.dtype)
    return clear
