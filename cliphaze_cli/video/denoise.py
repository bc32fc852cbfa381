"""Noise over time, held down as much as dehazing is going to amplify it.

A recursive mean over frames, which moves along with the camera: the share of a new frame is the one that gives its
noise, once amplified, a little less than the size that it had before. Where dehazing amplifies nothing, frames stay as
they are. They do too where something else is seen, or moves, or differs by more than the frame's noise explains.

Glossary: h w the size of the maps; H W that of the frame; m n half of that, in which pixels are compared.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.restoration.pixels import full_scale
from cliphaze_cli.system.optional_kernel import OptionalKernel
from cliphaze_cli.video.camera import flow_of, resized_motion
from cliphaze_cli.video.motion import Change

KERNEL = OptionalKernel("numba", "cliphaze_cli.video.blend_kernel", ' (pip install "cliphaze[fast]")')
_MORE = 3.0  # times what dehazing adds is taken away, as the maps change a little, too, and results are rounded
_LEAST_NOISE = 0.3, 0.7  # of 255, its standard deviation, as rounding makes some; likewise where the past has moved
_ALONG = 2.0, 4.0  # px of (h, w) in a frame: moves along with the camera, within the flow's error; does not
_STILL = 0.1, 0.3  # likewise: stands still, where no camera's motion was found; moves
_STANDS = 0.1  # px of (H, W), on the mean: motion of the camera that is none
_MEAN_OF_NOISE = 0.798  # mean absolute value of what has a standard deviation of 1
_LOCAL_SURE, _LOCAL_NONE = 1.35, 1.9  # times what noise explains, of means of 3 x 3: all of the past is taken; none
_PIXEL_SURE, _PIXEL_NONE = 2.5, 3.5  # likewise, of single pixels of (m, n)
_BLOCK = 16  # px
_EVERY = 4  # px, of those from which the noise is measured


class Calm:
    """Calms the frames of one film, which it must be given in their order."""

    def __init__(self) -> None:
        self._past: NDArray[Any] | None = None

    def __call__(self, pixels: NDArray[Any], change: Change | None, gain: NDArray[np.float32]) -> NDArray[Any]:
        """Return the next frame with less noise.

        Args:
            pixels: (H, W, 3) uint8 or uint16. change: from the frame before; None for the first one.
            gain: (h, w), by how much dehazing is going to amplify differences.

        Returns:
            (H, W, 3) float32 in the unit of pixels, not to be changed; pixels themselves where there is nothing to do.
        """
        past, self._past = self._past, None
        if not (gain > 1).any():
            return pixels
        self._past = pixels
        if change is None or change.cut or past is None or past.shape != pixels.shape:
            return pixels
        along = _ramp(change.apart, *(_STILL if change.camera is None else _ALONG))
        keep = (1 - share_of_new(1 + _MORE * (gain - 1))) * (1 - change.doubt) * along
        if not (keep > 0).any():
            return pixels
        still = past = past.astype(np.float32, copy=False)
        if change.camera is not None:
            past = _moved(still, resized_motion(change.camera, gain.shape, pixels.shape))
        weight = _explained_by_noise(pixels, past, _LEAST_NOISE[past is not still])
        weight *= cv2.resize(np.asarray(keep, np.float32), weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        self._past = _blend(pixels, past, weight)
        return self._past


def share_of_new(gain: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share a of each new frame at which a recursive mean changes between frames by 1/gain of what they do.

    Independent noise changes by sqrt(2) of its deviation, the mean by a * sqrt(2 / (2 - a)): so a / sqrt(2 - a) =
    1/gain with sqrt(2) left out on both sides. Gains below 1 count as 1, of which a is 1.
    """
    square = np.square(np.maximum(gain, 1))
    return np.asarray((np.sqrt(1 + 8 * square) - 1) / (2 * square), np.float32)


def _moved(past: NDArray[np.float32], motion: NDArray[np.float64]) -> NDArray[np.float32]:
    """The past as the camera would have seen it from where it is now; past itself if the camera stands still."""
    height, width = past.shape[:2]
    places = np.dstack(np.meshgrid(np.linspace(0, width, 8), np.linspace(0, height, 8)))
    if np.abs(flow_of(motion, places)).mean() < _STANDS:
        return past
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(past, motion, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _explained_by_noise(pixels: NDArray[Any], past: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """How far noise explains what differs, (m, n) in [0, 1]. least: noise that there is in any case, of 255."""
    half = -(-pixels.shape[1] // 2), -(-pixels.shape[0] // 2)
    now = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    before = np.asarray(cv2.resize(past, half, interpolation=cv2.INTER_AREA), np.float32)
    noise = max(_noise(now, before), least * full_scale(pixels.dtype) / 255)
    mean = np.full((1, 3), 1 / 3 / (noise * _MEAN_OF_NOISE), np.float32)
    apart = np.asarray(cv2.transform(cv2.absdiff(now, before), mean), np.float32)
    local = cv2.blur(apart, (3, 3))
    return np.minimum(_ramp(local, _LOCAL_SURE, _LOCAL_NONE), _ramp(apart, _PIXEL_SURE, _PIXEL_NONE))


def _blend_compiled(now: NDArray[Any], past: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = np.empty_like(past)
    KERNEL.module.blend(np.require(now, requirements=["C", "W"]), past, weight, mean)
    return mean


def _blend_by_opencv(now: NDArray[Any], past: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    each = weight.repeat(2, 0).repeat(2, 1)[: now.shape[0], : now.shape[1]]
    return np.asarray(cv2.blendLinear(past, now.astype(np.float32), each, 1 - each), np.float32)


_blend = KERNEL.or_else(_blend_compiled, _blend_by_opencv)


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
    differences = np.abs(now[::_EVERY, ::_EVERY, 1] - past[::_EVERY, ::_EVERY, 1])
    return min(in_space, float(np.median(differences)) / 0.6745)
