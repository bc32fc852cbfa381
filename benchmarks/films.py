"""Test films whose truth is known: a camera that pans and zooms over a photo, with haze of a known depth.

All is fixed to the photo, so that what moves is the camera alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (640, 360)
AIRLIGHT = np.array([0.80, 0.83, 0.86], np.float32)
NOISE = 2.0  # its standard deviation, of 255
_ROOM = 1.5  # times the size of a frame that the photo covers


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame.

    hazy: (H, W, 3) uint8. truth: the same without haze and noise, float32 in [0, 255]; noisy: truth with the noise of
    hazy. transmission: (H, W, 1). view: (2, 3), from pixels of the frame to those of the photo.
    """

    hazy: NDArray[np.uint8]
    truth: NDArray[np.float32]
    noisy: NDArray[np.float32]
    transmission: NDArray[np.float32]
    view: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """A camera over a photo: speed in pixels a frame, right and down; zoom: of each frame; noise: of the sensor.

    size: of a frame, width and height.
    """

    photo: Path
    speed: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    noise: float = 0.0
    size: tuple[int, int] = SIZE

    def moments(self, frames: int) -> Iterator[Moment]:
        """Frame by frame."""
        clear, transmission = _world(self.photo, self.size)
        rng = np.random.default_rng(1)
        for number in range(frames):
            view = self._view(number, frames, clear.shape)
            truth, t = _seen(clear, view, self.size), _seen(transmission, view, self.size)
            noise = rng.normal(0, self.noise, truth.shape).astype(np.float32) if self.noise else np.float32(0)
            hazy = truth * t + 255 * AIRLIGHT * (1 - t) + noise
            yield Moment(np.clip(hazy.round(), 0, 255).astype(np.uint8), truth, truth + noise, t, view)

    def _view(self, number: int, frames: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        step = number - (frames - 1) / 2
        scale = self.zoom**step
        centre = np.array([shape[1] / 2, shape[0] / 2]) + np.array(self.speed) * step
        return np.column_stack([scale * np.eye(2), centre - scale * np.array(self.size) / 2])


def moved(frame: NDArray[np.float32], before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float32]:
    """A frame as the camera would have seen it from where it is now; NaN where it did not see."""
    full = [np.vstack([view, [0, 0, 1]]) for view in (before, now)]
    back = (np.linalg.inv(full[0]) @ full[1])[:2]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = frame.shape[1::-1]
    warped = cv2.warpAffine(frame, back, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    inside = cv2.warpAffine(
        np.ones(frame.shape[:2], np.float32), back, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    warped[cv2.erode(inside, np.ones((7, 7))) < 0.999] = np.nan
    return np.asarray(warped, np.float32)


def _world(photo: Path, frame: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The photo in [0, 255] and the transmission of its haze, both as large as the camera roams."""
    width, height = (round(_ROOM * side) for side in frame)
    with Image.open(photo) as image:
        pixels = np.asarray(image.convert("RGB"))
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    size = (max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale)))
    clear = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)[:height, :width].astype(np.float32)
    y = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    bumps = np.random.default_rng(0).normal(0, 1, (4, 6)).astype(np.float32)
    depth = 0.35 + y**1.5 + 0.12 * cv2.resize(bumps, (width, height), interpolation=cv2.INTER_CUBIC)
    return clear, np.exp(-np.clip(depth, 0.1, 2))[..., None].astype(np.float32)


def _seen(world: NDArray[np.float32], view: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(world, view, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    seen = seen[..., None] if seen.ndim == 2 else seen
    return np.asarray(np.clip(seen, 0, 255), np.float32)
