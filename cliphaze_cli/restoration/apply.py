"""Apply the affine maps at full resolution: J = K*S - B + I, in row bands, so memory stays bounded.

S is the photo I without what may be noise (`wiener.py`).
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.restoration.guided_filter import apply_rows, bands, enlarge_rows, fit
from cliphaze_cli.restoration.pixels import full_scale, luma, luma_of_rows, rows_as_tensor, tensor_as_rows
from cliphaze_cli.restoration.rows import in_strips
from cliphaze_cli.restoration.upsample import enlarged_bands, interleaved, linear_sources
from cliphaze_cli.restoration.wiener import MARGIN, LocalStatistics, local_statistics
from cliphaze_cli.system.optional_kernel import OptionalKernel

KERNEL = OptionalKernel("numba", "cliphaze_cli.restoration.carry_up_kernel", ' (pip install "cliphaze[fast]")')


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
    height, width = pixels.shape[:2]
    if maps.shape[-2:] == (height, width):
        _apply_by_bands(pixels, clear, maps.device, lambda hazy, top: maps[:, :, top : top + hazy.shape[2]])
        return clear
    fitted = fit(luma(working), maps)
    if maps.device.type == "cpu":
        carry_up_on_cpu(pixels, clear, fitted)
    else:
        _carry_up(pixels, clear, fitted)
    return clear


def _apply_by_bands(
    pixels: NDArray, clear: NDArray, device: torch.device, maps_of: Callable[[Tensor, int], Tensor]
) -> None:
    """maps_of(hazy, top): K and B, (1, 6, rows, W), of the rows `top` and on of the photo, which are `hazy`."""
    denoised = _Denoised(pixels, device)
    for rows in bands(*pixels.shape[:2]):
        hazy = rows_as_tensor(pixels[rows], device)
        K, B = maps_of(hazy, rows.start).chunk(2, 1)
        clear[rows] = tensor_as_rows(denoised.apply_maps(hazy, K, B, rows.start), pixels.dtype)


def _carry_up(pixels: NDArray, clear: NDArray, fitted: Tensor) -> None:
    """fitted: from `fit`, (1, 12, h, w): slopes of K and B, then their offsets."""
    height = pixels.shape[0]
    _apply_by_bands(pixels, clear, fitted.device, lambda hazy, top: apply_rows(fitted, luma(hazy), top, height))


class _Denoised:
    """S, and what the maps make of it, by rows of the photo."""

    def __init__(self, pixels: NDArray, device: torch.device) -> None:
        local = local_statistics(pixels)
        statistics = np.concatenate([local.mean / full_scale(pixels.dtype), local.detail[..., None]], 2)
        self._covered = local.covered
        self._statistics = torch.from_numpy(statistics).permute(2, 0, 1)[None].to(device, torch.float32)

    def apply_maps(self, hazy: Tensor, K: Tensor, B: Tensor, top: int) -> Tensor:
        """J = K*S - B + I of rows `top` and on, all (1, 3, rows, W)."""
        rows, width = hazy.shape[2:]
        enlarged = enlarge_rows(self._statistics, top + MARGIN, rows, self._covered)[..., MARGIN : MARGIN + width]
        return K * torch.lerp(enlarged[:, :3], hazy, enlarged[:, 3:]) - B + hazy


def carry_up_on_cpu(pixels: NDArray, clear: NDArray, fitted: Tensor) -> None:
    """What `_carry_up` does, several times faster on a CPU: no plane is taken out of the interleaved pixels and none
    put back, and everything is computed in units of the pixels. clear: (H, W, 3), for the result, of the pixels' type;
    if it is one of integers, pixels may be float32 in its unit."""
    scale = full_scale(clear.dtype)
    units = fitted.new_tensor([1 / scale, 1, 1, scale]).repeat_interleave(3)  # slopes of K and B, then their offsets
    maps = interleaved(fitted * units[None, :, None, None], 3)
    plain = pixels.flags.c_contiguous and pixels.flags.writeable  # or the kernel would be compiled once more
    carry_up = _carry_up_compiled if plain and not KERNEL.unavailable_because() else _carry_up_by_bands
    carry_up(pixels, clear, maps, local_statistics(pixels, scale))


def _carry_up_with_kernel(pixels: NDArray, clear: NDArray, maps: NDArray, local: LocalStatistics) -> None:
    height, width = pixels.shape[:2]
    maps = np.ascontiguousarray(maps.swapaxes(1, 2))  # (h, w, 4, 3)
    cells, (covered_height, covered_width) = local.detail.shape, local.covered
    sources = (
        linear_sources(0, height, height, maps.shape[0]),
        linear_sources(0, width, width, maps.shape[1]),
        linear_sources(MARGIN, MARGIN + height, covered_height, cells[0]),
        linear_sources(MARGIN, MARGIN + width, covered_width, cells[1]),
    )
    limit = 0 if clear.dtype.kind == "f" else np.iinfo(clear.dtype).max

    def carry_up_strip(first: int, last: int) -> None:
        KERNEL.module.carry_up(pixels, clear, maps, local.mean, local.detail, *sources, first, last, limit)

    in_strips(carry_up_strip, height, height * width)


def _carry_up_by_bands(pixels: NDArray, clear: NDArray, maps: NDArray, local: LocalStatistics) -> None:
    size = pixels.shape[:2]

    def carry_up_strip(first: int, last: int) -> None:
        strip = (first, last)
        bands_of_each = (
            enlarged_bands(maps, size, strip=strip),
            enlarged_bands(local.mean[:, None], size, covered=local.covered, margin=MARGIN, strip=strip),
            enlarged_bands(local.detail[:, None, :, None], size, covered=local.covered, margin=MARGIN, strip=strip),
        )
        for (top, bottom, fits), (*_, means), (*_, details) in zip(*bands_of_each, strict=True):
            rows = pixels[top:bottom].astype(np.float32, order="C")
            hazy, guide = _flat(rows), _flat(luma_of_rows(rows))
            slope_K, slope_B, offset_K, offset_B = fits.unbind(1)
            # In place, as fresh memory costs more than the arithmetic.
            K = torch.addcmul(offset_K, slope_K, guide, out=offset_K)
            B = torch.addcmul(offset_B, slope_B, guide, out=offset_B)
            detail = _flat(cv2.cvtColor(details[:, 0].numpy(), cv2.COLOR_GRAY2RGB))
            denoised = torch.lerp(means[:, 0], hazy, detail, out=guide)
            dehazed = _difference(torch.addcmul(hazy, K, denoised, out=denoised).numpy(), B.numpy(), clear.dtype)
            clear[top:bottom] = dehazed.reshape(rows.shape)

    in_strips(carry_up_strip, size[0], size[0] * size[1])


_carry_up_compiled = KERNEL.or_else(_carry_up_with_kernel, _carry_up_by_bands)


def _flat(rows: NDArray) -> Tensor:
    """(rows, W, 3) -> (rows, W * 3), of the same memory."""
    return torch.from_numpy(rows).flatten(1)


def _difference(first: NDArray[np.float32], second: NDArray[np.float32], dtype: np.dtype) -> NDArray:
    """Rounded and clipped to the range of `dtype`, for which OpenCV needs one pass."""
    if dtype.kind == "f":
        return np.clip(first - second, 0, 1, dtype=dtype)
    return cv2.subtract(first, second, dtype=cv2.CV_8U if dtype == np.uint8 else cv2.CV_16U)
