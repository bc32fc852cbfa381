"""Reading PNG with 16 bits per sample, which Pillow would silently cut to 8."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging import exif, icc
from cliphaze_cli.imaging.orientation import upright
from cliphaze_cli.imaging.photo import Photo

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _GREY_ALPHA, _RGB_ALPHA = 0, 4, 6  # colour types; 2 is RGB
_PROFILE_LIMIT = 1 << 24
# Chunks that a photo can do without, if they are damaged.
_EXPENDABLE = {b"eXIf", b"iCCP", b"pHYs", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"sRGB", b"gAMA", b"cHRM", b"bKGD"}
METRE = 0.0254


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


def decode(data: bytes) -> Photo:
    """A whole 16-bit PNG file. Raises ValueError if it is damaged."""
    header = read_header(data)
    if header is None:
        raise ValueError("the PNG header is damaged")
    extra: dict[bytes, bytes] = {}
    # OpenCV prints complaints to stderr about unusual or missing chunks, so it gets checked ones that it needs only.
    essential: list[bytes | memoryview] = [SIGNATURE]
    for kind, chunk in _chunks(data):
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            essential.append(chunk)
        else:
            extra.setdefault(kind, bytes(chunk[8:-4]))
    samples = _decode_samples(b"".join(essential), header)
    notices: list[str] = []
    if b"acTL" in extra:
        notices.append(f"first of {int.from_bytes(extra[b'acTL'][:4], 'big')} frames used")
    grey = header.colour_type in (_GREY, _GREY_ALPHA)
    colour, alpha = _split(samples, header.colour_type, extra.get(b"tRNS"))
    profile, notice = _profile(extra.get(b"iCCP"), grey)
    notices += [notice] if notice else []
    block, orientation, notice = _exif(extra.get(b"eXIf"))
    notices += [notice] if notice else []
    return Photo(
        pixels=np.ascontiguousarray(upright(colour, orientation)),
        alpha=None if alpha is None else np.ascontiguousarray(upright(alpha, orientation)),
        grey=grey,
        exif=block,
        icc=profile,
        format="PNG",
        notices=tuple(notices),
        dpi=_dpi(extra.get(b"pHYs")),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """(kind, whole chunk) of each chunk up to IEND. Raises ValueError where the file is cut off or altered."""
    view, at = memoryview(data), len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise ValueError("the file is cut off")
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("the file is cut off")
        kind = bytes(view[at + 4 : at + 8])
        intact = zlib.crc32(view[at + 4 : end - 4]) == struct.unpack_from(">I", data, end - 4)[0]
        if intact:
            yield kind, view[at:end]
        elif kind not in _EXPENDABLE:
            raise ValueError(f"its {kind.decode('ascii', 'replace')} data is damaged")
        if kind == b"IEND":
            return
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
    """OpenCV's grey, BGR or BGRA -> (RGB, alpha). `transparent`: the one colour that a tRNS chunk makes invisible."""
    if colour_type == _GREY:
        colour = np.repeat(samples[..., None], 3, axis=2)
    else:
        colour = np.ascontiguousarray(samples[..., 2::-1])
    alpha = samples[..., 3] if colour_type in (_GREY_ALPHA, _RGB_ALPHA) else None
    if transparent is not None and alpha is None and len(transparent) == (2 if colour_type == _GREY else 6):
        key = np.frombuffer(transparent, ">u2").astype(np.uint16)
        alpha = np.where((colour == key).all(axis=2), np.uint16(0), np.uint16(65535))
    return colour, alpha


def _profile(chunk: bytes | None, grey: bool) -> tuple[bytes | None, str | None]:
    if chunk is None:
        return None, None
    try:
        packed = chunk[chunk.index(b"\x00") + 2 :]
        profile = zlib.decompressobj().decompress(packed, _PROFILE_LIMIT)
    except (ValueError, zlib.error):
        profile = b"damaged"
    return icc.checked(profile, grey=grey)


def _exif(chunk: bytes | None) -> tuple[bytes | None, int, str | None]:
    if not chunk:
        return None, 1, None
    try:
        order, _, entries = exif.split_directory(chunk)
        return exif.cleaned(chunk), exif.orientation_of(order, entries), None
    except (ValueError, struct.error):
        return None, 1, "damaged EXIF dropped"


def _dpi(chunk: bytes | None) -> tuple[float, float] | None:
    if chunk is None or len(chunk) != 9 or chunk[8] != 1:
        return None
    across, down, _ = struct.unpack(">IIB", chunk)
    return (across * METRE, down * METRE) if across and down else None
