"""Samples of any depth as 8 or 16 bits, with a word on how where it is not plain widening by nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging.bitdepth import row_bands

_WHITE_PERCENTILE = 99.9
_LOOKED_AT = 4_000_000  # values from which the percentile is taken, spread over the picture
_ROUNDING = 1e-5  # by which programs exceed 1


@dataclass(frozen=True)
class Scale:
    """How samples become 8 or 16 bits: (value + offset) * factor, as `dtype`, and what to say of it."""

    offset: float = 0.0
    factor: float = 1.0
    dtype: type = np.uint16
    notice: str | None = None

    def apply(self, samples: NDArray[Any]) -> NDArray[Any]:
        """(H, W, ...) of any kind -> the same shape as uint8 or uint16, rounded and clipped; NaN becomes 0.

        Samples that are right already are returned as they are, not copied.
        """
        if samples.dtype == self.dtype and self.factor == 1.0 and not self.offset:
            return samples
        result: NDArray[Any] = np.empty(samples.shape, self.dtype)
        highest = np.iinfo(self.dtype).max
        for rows in row_bands(len(samples), samples[:1].size):
            values = samples[rows].astype(np.float64)
            values += self.offset
            values *= self.factor
            np.nan_to_num(values, copy=False, nan=0.0, posinf=highest, neginf=0.0)
            result[rows] = np.rint(np.clip(values, 0, highest, out=values), out=values)
        return result


def scale_of(colour: NDArray[Any], bits: int, white: float | None) -> Scale:
    """How to store the samples of a picture.

    colour: (H, W, C), of which `bits` are used; white: the value of floating point samples that becomes white, or None
    to decide by them. Raises ValueError for kinds that are no samples of a picture.
    """
    kind = colour.dtype.kind
    if kind == "f":
        return _of_floats(colour, bits, white)
    if kind == "i":
        return _of_signed(colour, bits)
    if kind == "u":
        return _of_unsigned(colour, bits)
    raise ValueError(f"samples of kind {colour.dtype} are no picture's")


def unmultiplied(colour: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Colours (H, W, C) that were multiplied with alpha (H, W), divided by it again; uint8 or uint16."""
    highest = np.iinfo(colour.dtype).max
    result = np.empty(colour.shape, colour.dtype)
    for rows in row_bands(len(colour), colour[:1].size):
        divisor = np.maximum(alpha[rows], 1)[..., None]
        result[rows] = np.minimum(colour[rows] * np.float64(highest) / divisor + 0.5, highest)
    return result


def _of_unsigned(colour: NDArray[Any], bits: int) -> Scale:
    if bits in (8, 16):
        return Scale(dtype=np.uint8 if bits == 8 else np.uint16)
    if bits < 8:
        return Scale(factor=255 / (2**bits - 1), dtype=np.uint8, notice=f"{bits}-bit samples widened to 8 bits")
    if bits < 16:
        return Scale(factor=65535 / (2**bits - 1), notice=f"{bits}-bit samples widened to 16 bits")
    highest = int(colour.max())
    if highest < 65536:
        return Scale(notice=f"{bits}-bit integers, none above {highest}, taken as 16-bit ones")
    return Scale(factor=65535 / (2**bits - 1), notice=f"{bits}-bit integers reduced to 16 bits")


def _of_signed(colour: NDArray[Any], bits: int) -> Scale:
    dtype, highest = (np.uint8, 255) if bits <= 8 else (np.uint16, 65535)
    if colour.min() >= 0:
        if bits > 16:
            return _of_unsigned(colour, bits - 1)
        notice = f"signed {bits}-bit samples, none negative, widened to unsigned ones"
        return Scale(factor=highest / (2 ** (bits - 1) - 1), dtype=dtype, notice=notice)
    notice = f"signed {bits}-bit samples shifted by {2 ** (bits - 1)} to unsigned ones"
    return Scale(offset=2 ** (bits - 1), factor=highest / (2**bits - 1), dtype=dtype, notice=notice)


def _of_floats(colour: NDArray[Any], bits: int, white: float | None) -> Scale:
    how = f"{bits}-bit floating point converted to 16 bits"
    step = max(1, colour.size // _LOOKED_AT)
    lowest, highest = float(colour.min()), float(colour.max())
    inside = lowest >= 0 and highest <= 1 + _ROUNDING  # so written that NaN is not inside
    if white is not None:
        return Scale(factor=65535 / white, notice=f"{how}; {white:g} is white, by --white")
    if inside:
        return Scale(factor=65535.0, notice=how)
    values = colour.reshape(-1)[::step]
    values = values[np.isfinite(values)]
    found = float(np.percentile(values.astype(np.float64), _WHITE_PERCENTILE)) if values.size else 1.0
    found = found if found > 0 else 1.0
    if found <= 1 and highest <= 1:  # only below 0, or with values that are no numbers
        found = 1.0
    said = f"{how}; its values go from {lowest:.4g} to {highest:.4g}, and {found:.4g}"
    return Scale(factor=65535 / found, notice=f"{said} (99.9 % lie below) is white: --white VALUE sets it")
