"""Pop-up depth: a plausible relative depth for one clean photo, without a depth network.

In the spirit of "Automatic Photo Pop-up" (Hoiem, Efros, Hebert 2005): segments stand on the ground at their lowest
row, the ground recedes towards a random horizon, sky is far. What haze synthesis needs is not metric truth but depth
edges that coincide with object edges, and that this gives in about 0.1 s a photo.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel, uniform_filter
from skimage.color import rgb2hsv
from skimage.segmentation import felzenszwalb

Floats = NDArray[np.floating]

FARTHEST = 1.3  # depth of a sky segment before normalisation; the ground's horizon lies at 1
SKY_DEPTH = 1.25


@dataclass(frozen=True)
class Segments:
    """Felzenszwalb segments of a photo and their per-segment means, each an array of length `count`."""

    labels: NDArray[np.intp]  # (H, W)
    count: int
    top: Floats  # first row
    foot: Floats  # a low row, robust to stray pixels
    width: Floats  # horizontal extent, 0..1 of the photo's width
    brightness: Floats
    edge: Floats
    hue: Floats
    saturation: Floats


def popup_depth(rgb: Floats, rng: np.random.Generator) -> Floats:
    """Draw one pop-up depth for `rgb`, an (H, W, 3) photo in [0, 1]; returns (H, W) in [0, 1], 0 near and 1 far."""
    height = rgb.shape[0]
    grey = rgb.mean(2).astype(np.float32)
    segments = _segment(rgb, grey, scale=rng.uniform(60, 200))
    ground = _ground_depth(height, rng)
    standing = np.minimum(ground[segments.foot.astype(int)], 1) * rng.uniform(0.85, 1.1, segments.count)
    depth = standing[segments.labels]
    depth = np.where(_is_ground(segments, height)[segments.labels], ground[:, None], depth)
    depth = np.where(_is_sky(segments, height)[segments.labels], SKY_DEPTH, depth)
    depth = _guided_filter(grey, depth, radius=max(2, height // 60), eps=1e-3)
    return np.clip(depth, 0, FARTHEST) / FARTHEST


def _ground_depth(height: int, rng: np.random.Generator) -> Floats:
    """Depth of the ground plane at each row, (H,): 1 at and above a random horizon, falling off below it."""
    horizon = rng.uniform(0.3, 0.55) * height
    falloff = rng.uniform(3, 10)
    rows = np.arange(height)
    return 1 / (1 + falloff * np.clip(rows - horizon, 0, None) / (height - horizon))


def _segment(rgb: Floats, grey: Floats, scale: float) -> Segments:
    labels = felzenszwalb(rgb, scale=scale, sigma=0.8, min_size=40)
    height, width = labels.shape
    flat = labels.ravel()
    count = int(flat.max()) + 1
    size = np.bincount(flat, minlength=count)
    rows, columns = (grid.ravel() for grid in np.indices(labels.shape))
    top, foot, left, right = np.full(count, height), np.zeros(count), np.full(count, width), np.zeros(count)
    np.minimum.at(top, flat, rows)
    np.maximum.at(foot, flat, rows)
    np.minimum.at(left, flat, columns)
    np.maximum.at(right, flat, columns)
    hsv = rgb2hsv(rgb)
    gradient = np.hypot(sobel(grey, 0), sobel(grey, 1))

    def mean(values: Floats) -> Floats:
        return np.bincount(flat, values.ravel(), minlength=count) / size

    return Segments(
        labels=labels,
        count=count,
        top=top,
        foot=top + 0.97 * (foot - top),
        width=(right - left) / width,
        brightness=mean(grey),
        edge=mean(gradient),
        hue=mean(hsv[..., 0]),
        saturation=mean(hsv[..., 1]),
    )


def _is_ground(s: Segments, height: int) -> NDArray[np.bool_]:
    return (s.foot >= 0.97 * (height - 2)) & (s.width > 0.35)


def _is_sky(s: Segments, height: int) -> NDArray[np.bool_]:
    high = (s.top <= 1) & (s.foot < 0.8 * height)
    pale = (s.saturation < 0.25) & (s.brightness > 0.45)
    blue = (s.hue > 0.5) & (s.hue < 0.72) & (s.brightness > 0.2)
    return high & (s.edge < 0.12) & (pale | blue)


def _guided_filter(guide: Floats, source: Floats, radius: int, eps: float) -> Floats:
    """Guided filter of He, Sun, Tang (2010) with a grey guide; all arrays (H, W)."""

    def box(values: Floats) -> Floats:
        return uniform_filter(values, 2 * radius + 1, mode="reflect")

    mean_guide, mean_source = box(guide), box(source)
    slope = (box(guide * source) - mean_guide * mean_source) / (box(guide * guide) - mean_guide**2 + eps)
    return box(slope) * guide + box(mean_source - slope * mean_guide)
