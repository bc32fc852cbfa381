"""Reading PNG with 16 bits per sample, which Pillow would silently cut to 8."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging.metadata.carried import carried
from cliphaze_cli.imaging.metadata.extras import of_png
from cliphaze_cli.imaging.metadata.png_chunks import SIGNATURE, PngFile
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.readers.assembly import in_channels, photo_of

_GREY, _GREY_ALPHA, _RGB_ALPHA = 0, 4, 6  # colour types; 2 is RGB


@dataclass(frozen=True)
class Header:
    """What a PNG file's first chunk says."""

    width: int
    height: int
    bits: int
    colour_type: int


def read_header(head: bytes) -> Header | None:
    """The header from a file's first 33 bytes, or None if they are not those of a PNG file."""
    if len(head) < 33 or head[:8] != SIGNATURE or head[12:16] != b"IHDR":
        return None
    return Header(*struct.unpack_from(">IIBB", head, 16))


def decode(png: PngFile, header: Header) -> Photo:
    """A 16-bit PNG file that `png_chunks.read` has taken apart. Raises ValueError if it is damaged."""
    # OpenCV prints complaints to stderr about unusual or missing chunks, so it gets those that it needs only; what
    # tRNS makes invisible it would not tell apart.
    parts = list(_without(png.needed, b"tRNS"))
    transparent = next((bytes(content) for kind, content in parts if kind == b"tRNS"), None)
    samples = _decode_samples(b"".join([SIGNATURE, *(content for kind, content in parts if kind != b"tRNS")]), header)
    found = of_png(png)
    colour, alpha = _split(samples, header.colour_type, transparent)
    profile, notice = png.profile(grey=colour.shape[2] == 1)
    kept = carried(found.exif, found.xmp, header.width, header.height)
    return photo_of(
        colour,
        alpha,
        kept,
        "PNG",
        [*found.notices, notice],
        icc=profile,
        dpi=png.dpi,
        iptc=found.iptc,
        texts=tuple(found.texts),
        colour=found.colour,
    )


def _without(data: bytes, removed: bytes) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """(kind, whole chunk) of each chunk of a sound file; of the removed kind its content only."""
    view, at = memoryview(data), len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = bytes(view[at + 4 : at + 8]), at + 12 + length
        yield kind, bytes(view[at + 8 : end - 4]) if kind == removed else view[at:end]
        at = end


def _decode_samples(data: bytes, header: Header) -> NDArray[np.uint16]:
    import cv2

    samples: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16 or samples.shape[:2] != (header.height, header.width):
        raise ValueError("the PNG data is damaged")
    return samples


def _split(
    samples: NDArray[np.uint16], colour_type: int, transparent: bytes | None
) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    """OpenCV's grey, BGR or BGRA -> (grey or RGB, alpha). `transparent`: the one colour that tRNS makes invisible."""
    samples = in_channels(samples)
    colour = samples[..., :1] if colour_type in (_GREY, _GREY_ALPHA) else np.ascontiguousarray(samples[..., 2::-1])
    alpha = samples[..., 3] if colour_type in (_GREY_ALPHA, _RGB_ALPHA) else None
    if transparent is not None and alpha is None and len(transparent) == (2 if colour_type == _GREY else 6):
        key = np.frombuffer(transparent, ">u2").astype(np.uint16)
        alpha = np.where((colour == key).all(axis=2), np.uint16(0), np.uint16(65535))
    return colour, alpha
