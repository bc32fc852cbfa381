"""Apply the affine maps at full resolution: J = K*I - B + I, in row bands, so memory stays bounded."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.enlargement import enlarged_bands, interleaved
from cliphaze_cli.guided_filter import apply_rows, bands, fit
from cliphaze_cli.network.cliphaze import apply_maps
from cliphaze_cli.pixels import full_scale, luma, luma_of_rows, rows_as_tensor, tensor_as_rows


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
    maps = strength * torch.cat([K, B], 1)
    clear = np.empty_like(pixels, order="C")
    if maps.shape[-2:] == pixels.shape[:2]:
        _apply_directly(pixels, maps, clear)
    else:
        carry_up = _carry_up_on_cpu if maps.device.type == "cpu" else _carry_up
        carry_up(pixels, fit(luma(working), maps), clear)
    return clear


def _apply_directly(pixels: NDArray, maps: Tensor, clear: NDArray) -> None:
    for top, bottom in bands(*pixels.shape[:2]):
        hazy = rows_as_tensor(pixels[top:bottom], maps.device)
        clear[top:bottom] = tensor_as_rows(apply_maps(hazy, *maps[:, :, top:bottom].chunk(2, 1)), pixels.dtype)


def _carry_up(pixels: NDArray, fitted: Tensor, clear: NDArray) -> None:
    """fitted: from `fit`, (1, 12, h, w): slopes of K and B, then their offsets."""
    height, width = pixels.shape[:2]
    for top, bottom in bands(height, width):
        hazy = rows_as_tensor(pixels[top:bottom], fitted.device)
        band = apply_rows(fitted, luma(hazy), top, height)
        clear[top:bottom] = tensor_as_rows(apply_maps(hazy, *band.chunk(2, 1)), pixels.dtype)


def _carry_up_on_cpu(pixels: NDArray, fitted: Tensor, clear: NDArray) -> None:
    """What `_carry_up` does, several times faster on a CPU: no plane is taken out of the interleaved pixels and none
    put back, and everything is computed in units of the pixels."""
    height, width = pixels.shape[:2]
    scale = full_scale(pixels.dtype)
    units = torch.tensor([1 / scale, 1, 1, scale]).repeat_interleave(3)  # slopes of K and B, then their offsets
    maps = interleaved(fitted * units[None, :, None, None], 3)
    for top, bottom, band in enlarged_bands(maps, height, width):
        hazy = pixels[top:bottom].astype(np.float32, order="C")
        guide = luma_of_rows(hazy)
        slope_K, slope_B, offset_K, offset_B = (band[:, kind].reshape(hazy.shape) for kind in range(4))
        product = slope_K * guide  # from here on in place, as fresh memory costs more than the arithmetic
        product += offset_K
        product *= hazy
        product += hazy  # (1 + K) * I
        B = np.multiply(slope_B, guide, out=guide)
        B += offset_B
        clear[top:bottom] = _difference(product, B, pixels.dtype)


def _difference(first: NDArray[np.float32], second: NDArray[np.float32], dtype: np.dtype) -> NDArray:
    """Rounded and clipped to the range of `dtype`, for which OpenCV needs one pass."""
    if dtype.kind == "f":
        return np.clip(first - second, 0, 1, dtype=dtype)
    return cv2.subtract(first, second, dtype=cv2.CV_8U if dtype == np.uint8 else cv2.CV_16U)
