"""Noise of what stands still, held down over time as much as dehazing is going to amplify it.

A recursive mean over frames: the share of a new frame is the one that gives its noise, once amplified, the size that it
had before. Where dehazing amplifies nothing, frames stay as they are. They do too where something moves or changes by
more than the frame's noise explains: the flow is found small, and warping by it would soften more than it calms.

Glossary: h w the size of the maps; H W that of the frame.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.restoration.pixels import full_scale
from cliphaze_cli.video.motion import Change

_LEAST_NOISE = 0.7  # of 255, its standard deviation; less is rounding
_STILL, _MOVES = 0.1, 0.3  # px of (h, w) in a frame
_MEAN_OF_NOISE = 0.798  # mean absolute value of what has a standard deviation of 1
_LOCAL_SURE, _LOCAL_NONE = 1.35, 1.9  # times what noise explains, of means of 5 x 5: all of the past is taken; none
_PIXEL_SURE, _PIXEL_NONE = 2.5, 3.5  # likewise, of single pixels
_BLOCK = 16  # px
_EVERY = 4  # px, of those from which the noise is measured


class Calm:
    """Calms the frames of one film, which it must be given in their order."""

    def __init__(self) -> None:
        self._past: NDArray[Any] | None = None  # float32 once it was compared

    def __call__(self, pixels: NDArray[Any], change: Change | None, gain: NDArray[np.float32]) -> NDArray[Any]:
        """Return the next frame with less noise.

        Args:
            pixels: (H, W, 3) uint8 or uint16. change: from the frame before; None for the first one.
            gain: (h, w), by how much dehazing is going to amplify differences.

        Returns:
            of pixels' shape and dtype; pixels themselves where there is nothing to do.
        """
        past, self._past = self._past, None
        if not (gain > 1).any():
            return pixels
        self._past = pixels
        if change is None or change.cut or past is None or past.shape != pixels.shape:
            return pixels
        motion = np.hypot(*np.moveaxis(change.flow, 2, 0))
        keep = (1 - share_of_new(gain)) * _ramp(motion, _STILL, _MOVES) * (1 - change.doubt)
        if not (keep > 0).any():
            return pixels
        now, past = pixels.astype(np.float32), past.astype(np.float32, copy=False)
        self._past = now
        noise = _noise(now, past)
        if noise < _LEAST_NOISE * full_scale(pixels.dtype) / 255:
            return pixels
        height, width = pixels.shape[:2]
        apart = cv2.transform(cv2.absdiff(now, past), np.full((1, 3), 1 / 3 / (noise * _MEAN_OF_NOISE), np.float32))
        local = cv2.blur(apart, (5, 5))
        weight = np.minimum(_ramp(local, _LOCAL_SURE, _LOCAL_NONE), _ramp(apart, _PIXEL_SURE, _PIXEL_NONE))
        weight *= cv2.resize(np.asarray(keep, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        self._past = np.asarray(cv2.blendLinear(past, now, weight, 1 - weight), np.float32)
        if pixels.dtype == np.uint8:
            return np.asarray(cv2.convertScaleAbs(self._past), np.uint8)
        return np.asarray(np.rint(self._past), pixels.dtype)


def share_of_new(gain: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share a of each new frame at which a recursive mean changes between frames by 1/gain of what they do.

    Independent noise changes by sqrt(2) of its deviation, the mean by a * sqrt(2 / (2 - a)): so a / sqrt(2 - a) =
    1/gain with sqrt(2) left out on both sides. Gains below 1 count as 1, of which a is 1.
    """
    square = np.square(np.maximum(gain, 1))
    return np.asarray((np.sqrt(1 + 8 * square) - 1) / (2 * square), np.float32)


def _ramp(value: NDArray[Any], sure: float, none: float) -> NDArray[np.float32]:
    """1 up to `sure`, 0 from `none` on."""
    return np.clip((none - value) * np.float32(1 / (none - sure)), np.float32(0), np.float32(1))


def _noise(now: NDArray[np.float32], past: NDArray[np.float32]) -> float:
    """Standard deviation of the frame's noise: what is left in its flattest blocks, or less if frames differ less."""
    green = now[..., 1]
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    rows, columns = (max(1, side // _BLOCK) for side in green.shape)
    left = np.abs(cv2.filter2D(np.ascontiguousarray(green), -1, kernel))
    blocks = cv2.resize(left, (columns, rows), interpolation=cv2.INTER_AREA)
    in_space = float(np.percentile(blocks, 25)) / _MEAN_OF_NOISE
    differences = np.abs(now[::_EVERY, ::_EVERY] - past[::_EVERY, ::_EVERY])
    return min(in_space, float(np.median(differences)) / 0.6745)
