"""How much one file may ask for before it is given up. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Protocol

DEFAULT_MAX_PIXELS = 200_000_000
"""Larger images are refused before they are decoded: small files can claim sizes that fill the memory."""

DEFAULT_SECONDS = 120.0
"""For one photo: a large one on a slow network drive takes a minute to read, a decoder that hangs takes for ever."""

SECONDS_PER_MEGAPIXEL = 10.0
"""And so much more for its size, where nothing else is said: at `--resolution full` a megapixel takes seconds."""

MAX_METADATA = 64 * 2**20
"""Bytes of EXIF, and of a colour profile, beyond which they are dropped: they would be held beside the pixels."""


def megapixels(pixels: int) -> str:
    """For messages: three digits, or all of many."""
    millions = pixels / 1e6
    return f"{millions:.0f}" if millions >= 1000 else f"{millions:.3g}"


class CheckSize(Protocol):
    """What readers call with a size before they decode anything. It raises ImageError where that is too large; deep:
    samples have more than 8 bits, and take more memory."""

    def __call__(self, width: int, height: int, *, deep: bool = False) -> None: ...


@dataclass(frozen=True)
class Limits:
    """max_pixels: of one image, width times height; seconds: for one photo, and more for each of its megapixels."""

    max_pixels: int = DEFAULT_MAX_PIXELS
    seconds: float = DEFAULT_SECONDS
    seconds_per_megapixel: float = SECONDS_PER_MEGAPIXEL

    @property
    def most_seconds(self) -> float:
        """For the largest photo that is permitted."""
        return self.seconds + self.seconds_per_megapixel * self.max_pixels / 1e6

    @property
    def decoder_bytes(self) -> int:
        """Memory that decoding may take: the greediest kinds of images need about 32 bytes per pixel."""
        return 2**30 + 32 * self.max_pixels
