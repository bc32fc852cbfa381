"""Frames of a film, one after the other: what is to be done to each is found, noise is calmed, and haze is taken away.

The three steps may run at the same time, each on frames of its own.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.restoration.apply import carry_up_on_cpu
from cliphaze_cli.restoration.guided_filter import fit
from cliphaze_cli.restoration.pixels import full_scale, luma, working_size
from cliphaze_cli.video.denoise import Calm
from cliphaze_cli.video.motion import FINE_SIDE, LONG_SIDE, Change
from cliphaze_cli.video.temporal import MapsOverTime


@dataclass(frozen=True, eq=False)
class Prepared:
    """A frame and what is known of it.

    pixels: (H, W, 3) uint8 or uint16, or float32 in the unit of one of these, which is `dtype`. maps: see
    `MapsOverTime`. gain: (h, w), by how much these amplify differences. change: from the frame before.
    """

    pixels: NDArray[Any]
    dtype: np.dtype[Any]
    maps: NDArray[np.float32]
    gain: NDArray[np.float32]
    change: Change | None


class FilmDehazer:
    """Dehazes the frames of one film, which it must be given in their order."""

    def __init__(self, dehazer: Dehazer, *, strength: float = 1.0, denoise: bool = True) -> None:
        """strength: 0 leaves frames as they are, 1 dehazes fully. denoise: hold noise down over time, see `denoise`."""
        self._dehazer, self._strength = dehazer, strength
        self._calm = Calm() if denoise else None
        self.over_time = MapsOverTime()

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Dehaze the next frame: `prepare`, `calm` and `apply` it."""
        return self.apply(self.calm(self.prepare(pixels)))

    def prepare(self, pixels: NDArray[Any], luma_plane: NDArray[Any] | None = None) -> Prepared:
        """Find the maps of the next frame.

        Args:
            pixels: (H, W, 3) RGB, uint8 or uint16. luma_plane: (H, W) uint8, or with 10 bits, where it is at hand.
        """
        height, width = working_size(pixels.shape[0], pixels.shape[1], LONG_SIDE)
        fine = _grey(pixels[..., 1] if luma_plane is None else luma_plane, luma_plane is not None)
        grey = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        maps = self.over_time(grey, lambda: self._estimated(pixels, (width, height)), fine)
        gain = 1 + self._strength * _slope_of_green(maps, grey)
        return Prepared(pixels, pixels.dtype, maps, gain, self.over_time.change)

    def calm(self, prepared: Prepared) -> Prepared:
        """Hold its noise down, if that is asked for."""
        if self._calm is None:
            return prepared
        return replace(prepared, pixels=self._calm(prepared.pixels, prepared.change, prepared.gain))

    def apply(self, prepared: Prepared) -> NDArray[Any]:
        """Dehaze it by its maps."""
        clear = np.empty(prepared.pixels.shape, prepared.dtype)
        _, h, w, _ = prepared.maps.shape
        fitted = torch.from_numpy(prepared.maps.transpose(0, 3, 1, 2).reshape(1, -1, h, w))
        carry_up_on_cpu(prepared.pixels, clear, self._strength * fitted)
        return clear

    @torch.inference_mode()
    def _estimated(self, pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
        working, K, B = self._dehazer.estimate_maps(pixels)
        fitted = fit(luma(working), torch.cat([K, B], 1))[0].unflatten(0, (3, 4))
        planes = fitted.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return np.stack([cv2.resize(four, size, interpolation=cv2.INTER_AREA) for four in planes])


def _slope_of_green(maps: NDArray[np.float32], grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """K of green, (h, w): of twelve planes, its slope is the second and its offset the eighth, see `fit`."""
    return np.asarray(maps[0, ..., 1] * (grey * np.float32(1 / 255)) + maps[1, ..., 3], np.float32)


def _grey(plane: NDArray[Any], coded: bool) -> NDArray[np.uint8]:
    height, width = working_size(plane.shape[0], plane.shape[1], FINE_SIDE)
    small = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
    if small.dtype == np.uint8:
        return np.asarray(small, np.uint8)
    scale = 4 if coded else full_scale(small.dtype) / 255
    return np.asarray(np.clip(small / scale, 0, 255), np.uint8)
