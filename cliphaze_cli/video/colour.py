"""Between frames as films store them (Y'CbCr, mostly with colour at half the resolution) and RGB pixel arrays.

By matrices of our own: those of swscale, through which PyAV converts, lose a level of 255 on the way there and back.
Colour is enlarged by repeating it and made smaller by averaging, so that it comes back as it was where nothing changes.

Glossary: Kr Kb the shares of red and blue in luma; a code is a number as the film stores it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Of AVCOL_SPC, by its numbers.
_SHARES = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470 B, G
    6: (0.299, 0.114),  # SMPTE 170M
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
    10: (0.2627, 0.0593),
}
RGB, BT709, SMPTE170M = 0, 1, 6
FULL_RANGE = 2  # of AVCOL_RANGE
_HIGH_DEFINITION = 720  # rows from which on films that do not tell are taken for BT.709, as players do


@dataclass(frozen=True)
class Coding:
    """How RGB is coded: `matrix` as a number of AVCOL_SPC; `full`: codes use the whole range; `bits` of a code."""

    matrix: int
    full: bool
    bits: int

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Of the pixel arrays that hold it without loss."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def to_rgb(self) -> NDArray[np.float64]:
        """(3, 4): from codes, and 1, to R, G, B in the unit of `dtype`."""
        kr, kb = _SHARES[self.matrix]
        kg = 1 - kr - kb
        of_signals = np.array(
            [[1, 0, 2 * (1 - kr)], [1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg], [1, 2 * (1 - kb), 0]]
        )
        top, step = 2**self.bits - 1, 2 ** (self.bits - 8)
        lowest, luma, chroma = (0, top, top) if self.full else (16 * step, 219 * step, 224 * step)
        offset = np.array([lowest, 128 * step, 128 * step])
        matrix = of_signals / np.array([luma, chroma, chroma]) * np.iinfo(self.dtype).max
        return np.column_stack([matrix, -matrix @ offset])

    @property
    def from_rgb(self) -> NDArray[np.float64]:
        """(3, 4): the way back."""
        back = np.linalg.inv(self.to_rgb[:, :3])
        return np.column_stack([back, -back @ self.to_rgb[:, 3]])


def coding_of(frame: Any) -> Coding:
    """Of a frame of PyAV. What it does not tell is taken as players take it."""
    matrix = int(frame.colorspace)
    if matrix not in _SHARES:
        matrix = BT709 if frame.height >= _HIGH_DEFINITION else SMPTE170M
    full = int(frame.color_range) == FULL_RANGE or frame.format.name.startswith("yuvj")
    return Coding(matrix, full, 8 if _depth(frame.format) == 8 else 10)


def pixels_of(frame: Any, coding: Coding) -> NDArray[Any]:
    """A frame of PyAV as (H, W, 3) RGB pixels of `coding.dtype`."""
    if frame.format.is_rgb:
        return np.array(frame.to_ndarray(format="rgb24" if coding.bits == 8 else "rgb48le"), order="C")
    planes = planes_of(frame, coding)
    size = (frame.width, frame.height)
    luma = planes[0]
    if len(planes) == 1:
        planes = [luma, *[np.full_like(luma, 128 << coding.bits - 8)] * 2]
    colours = [_repeated(plane, luma.shape, size) for plane in planes[1:]]
    return np.asarray(cv2.transform(cv2.merge([luma, *colours]), coding.to_rgb))


def luma_of(frame: Any, coding: Coding) -> NDArray[Any]:
    """(H, W) luma codes, valid as long as the frame is; of RGB its green."""
    if frame.format.is_rgb:
        return pixels_of(frame, coding)[..., 1]
    return planes_of(frame, coding)[0]


def planes_of(frame: Any, coding: Coding) -> list[NDArray[Any]]:
    """Views of a frame's Y', Cb and Cr, or of grey alone, as codes of `coding.bits`."""
    name = frame.format.name.replace("yuvj", "yuv")
    deep = "" if coding.bits == 8 else "10le"
    wanted = f"gray{deep}" if len(frame.format.components) < 3 else f"yuv{_subsampling(frame.format)}p{deep}"
    if name != wanted:
        frame = frame.reformat(format=wanted)
    return [_plane(plane, coding) for plane in frame.planes]


def fill(frame: Any, pixels: NDArray[Any], coding: Coding) -> None:
    """Write RGB pixels into a new frame of PyAV, planar with `coding.bits`, colour at full or at half resolution."""
    codes = cv2.split(cv2.transform(pixels, coding.from_rgb))
    for plane, code in zip((_plane(each, coding) for each in frame.planes), codes, strict=True):
        if plane.shape == code.shape:
            plane[...] = code
        else:
            _halve(code, plane)


def _halve(code: NDArray[Any], plane: NDArray[Any]) -> None:
    rows, columns = (2 * side for side in plane.shape)
    below, right = rows - code.shape[0], columns - code.shape[1]
    if below or right:
        code = cv2.copyMakeBorder(code, 0, below, 0, right, cv2.BORDER_REPLICATE)
    plane[...] = cv2.resize(code, plane.shape[::-1], interpolation=cv2.INTER_AREA)


def _repeated(plane: NDArray[Any], shape: tuple[int, ...], size: tuple[int, int]) -> NDArray[Any]:
    if plane.shape == shape:
        return plane
    factors = [-(-side // own) for side, own in zip(shape, plane.shape, strict=True)]
    rows, columns = (own * factor for own, factor in zip(plane.shape, factors, strict=True))
    repeated = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_NEAREST)
    return np.asarray(repeated[: size[1], : size[0]])


def _plane(plane: Any, coding: Coding) -> NDArray[Any]:
    rows = np.frombuffer(plane, coding.dtype).reshape(plane.height, plane.line_size // coding.dtype.itemsize)
    return rows[:, : plane.width]


def _subsampling(format: Any) -> str:
    """444, 422 or 420: the least that holds the format's colour, as far as halving does."""
    wide, high = format.chroma_width(1024), format.chroma_height(1024)
    if wide == 1024:
        return "444" if high == 1024 else "420"
    return "422" if high == 1024 else "420"


def _depth(format: Any) -> int:
    return max(component.bits for component in format.components)


def has_halved_colour(format: Any) -> bool:
    """Whether a format of PyAV holds colour at half the resolution, both ways, or none at all."""
    return len(format.components) < 3 or (not format.is_rgb and _subsampling(format) == "420")
