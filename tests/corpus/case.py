"""One file of the corpus, and what must become of it."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True, eq=False)
class Case:
    """A file `name` with the content `data`.

    pixels: what reading gives, (H, W, 3) uint8 or uint16, or (H, W) where it must stay grey; None: not compared.
    tolerance: largest difference of a sample, for lossy formats.
    alpha: a sample of the alpha channel at the top left, None where there is none.
    refusal: words of the reason where the file must fail, "" where any reason will do; None: it must not fail.
    may_fail: it may do either, but nothing else.
    notice: words of a notice that must be there.
    """

    name: str
    data: bytes
    pixels: "np.ndarray[Any, Any] | None" = None
    tolerance: int = 0
    alpha: int | None = None
    refusal: str | None = None
    may_fail: bool = False
    notice: str | None = None


def base(height: int = 18, width: int = 24) -> "np.ndarray[Any, Any]":
    """(H, W, 3) uint8 gradients up to 105, so that twice as bright is still no white."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    down, across = y / max(height - 1, 1), x / max(width - 1, 1)
    return np.stack([10 + 92 * across, 20 + 85 * down, 100 - 40 * across - 40 * down], axis=2).astype(np.uint8)


def deep(height: int = 18, width: int = 24) -> "np.ndarray[Any, Any]":
    """The same in 16 bits, with values that 8 bits cannot tell apart."""
    return base(height, width).astype(np.uint16) * np.uint16(257) + np.arange(width, dtype=np.uint16)[None, :, None]


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    """The image as a file in memory."""
    sink = io.BytesIO()
    image.save(sink, format, **options)
    return sink.getvalue()
