"""Fast guided filter (He and Sun, arXiv 1505.00996): carry small maps to full resolution along the image's own edges.

A map is fitted at low resolution as a locally linear function of the guide, slope * guide + offset; slope and offset
are smooth, so they may be enlarged bilinearly, and the full-resolution guide brings the edges back.

Glossary: h w low resolution, H W full resolution; the guide is luma in [0, 1].
"""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.restoration.pixels import full_scale, luma, luma_of_rows, rows_as_tensor, shrink
from cliphaze_cli.restoration.upsample import enlarged_bands, interleaved
from cliphaze_cli.system.rows import row_bands, rows_in

RADIUS = 24  # px of the low resolution; wide windows smooth the network's errors, not the edges of the guide
EPS = 1e-3  # squared luma contrast below which a region counts as flat
BAND_PIXELS = 1 << 18  # full-resolution pixels handled at once: bounds memory and stays in the cache


def fit(guide: Tensor, target: Tensor, radius: int = RADIUS, eps: float = EPS) -> Tensor:
    """Fit target as a locally linear function of the guide.

    Args:
        guide: (1, 1, h, w). target: (1, C, h, w).

    Returns:
        (1, 2C, h, w): C slopes, then C offsets.
    """
    mean_guide, mean_target = _box(guide, radius), _box(target, radius)
    covariance = _box(guide * target, radius) - mean_guide * mean_target
    variance = _box(guide * guide, radius) - mean_guide * mean_guide
    slope = covariance / (variance + eps)
    return _box(torch.cat([slope, mean_target - slope * mean_guide], 1), radius)


def apply_rows(fitted: Tensor, guide_rows: Tensor, top: int, height: int) -> Tensor:
    """Full-resolution maps for a band of rows.

    Args:
        fitted: from `fit`, (1, 2C, h, w). guide_rows: rows top.. of the guide, (1, 1, rows, W).
        top: index of the band's first row among the `height` rows of the full image.

    Returns:
        (1, C, rows, W).
    """
    slope, offset = enlarge_rows(fitted, top, guide_rows.shape[2], (height, guide_rows.shape[3])).chunk(2, 1)
    return torch.addcmul(offset, slope, guide_rows)


def enlarge_rows(maps: Tensor, top: int, rows: int, size: tuple[int, int]) -> Tensor:
    """Rows top..top+rows of `F.interpolate(maps, size, mode="bilinear")`, without making the rest."""
    height, width = size
    row = torch.arange(top, top + rows, device=maps.device, dtype=torch.float32)
    source = ((row + 0.5) * (maps.shape[2] / height) - 0.5).clamp_min(0)
    above = source.long().clamp_max(maps.shape[2] - 1)
    below = (above + 1).clamp_max(maps.shape[2] - 1)
    weight = (source - above).to(maps.dtype)[:, None]
    band = torch.lerp(maps[:, :, above], maps[:, :, below], weight)
    return F.interpolate(band, (rows, width), mode="bilinear")


def bands(height: int, width: int) -> Iterator[slice]:
    """The row bands of a full-resolution image, of about BAND_PIXELS each."""
    return row_bands(0, height, rows_in(BAND_PIXELS, width))


def guided_upsample(target: Tensor, pixels: NDArray, radius: int = RADIUS, eps: float = EPS) -> Tensor:
    """Enlarge maps (1, C, h, w) to the size of `pixels`, (H, W, 3) uint8, uint16 or float32: (1, C, H, W).

    On the CPU.
    """
    (height, width), channels = pixels.shape[:2], target.shape[1]
    small = shrink(pixels, *target.shape[-2:])
    fitted = fit(luma(rows_as_tensor(small)), target, radius, eps)
    fitted[:, :channels] /= full_scale(pixels.dtype)
    full = target.new_empty(1, channels, height, width)
    for top, bottom, band in enlarged_bands(interleaved(fitted, channels), (height, width)):
        slope, offset = band.view(bottom - top, 2, width, channels).unbind(1)
        guide = torch.from_numpy(luma_of_rows(pixels[top:bottom].astype(np.float32, order="C"))[..., :1])
        full[0, :, top:bottom] = torch.addcmul(offset, slope, guide).permute(2, 0, 1)
    return full


def _box(x: Tensor, radius: int) -> Tensor:
    """Mean over a (2r+1) x (2r+1) window, cut at the border."""
    if x.device.type == "cpu":
        return _box_on_cpu(x, radius)
    window = 2 * radius + 1
    x = F.avg_pool2d(x, (window, 1), 1, (radius, 0), count_include_pad=False)
    return F.avg_pool2d(x, (1, window), 1, (0, radius), count_include_pad=False)


def _box_on_cpu(x: Tensor, radius: int) -> Tensor:
    """The same of (1, C, h, w) by OpenCV's running sums, whose cost does not grow with the radius."""

    def sums(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        window = (2 * radius + 1, 2 * radius + 1)
        total = cv2.boxFilter(plane, cv2.CV_32F, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(total, np.float32)

    share = 1 / sums(np.ones(x.shape[-2:], np.float32))
    return torch.from_numpy(np.stack([sums(plane) * share for plane in x[0].numpy()]))[None]
