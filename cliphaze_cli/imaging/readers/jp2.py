"""Reading JPEG 2000: 8 bits by Pillow, more by OpenJPEG through imagecodecs, which Pillow would cut.

Standards: ISO/IEC 15444-1 annex A (codestream), I (boxes); the usual UUID boxes for EXIF, XMP, IPTC and GeoTIFF.
"""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.imaging.limits import CheckSize
from cliphaze_cli.imaging.metadata import exif, icc, isobmff, tiff_tags
from cliphaze_cli.imaging.metadata.carried import carried
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.readers.assembly import in_channels, photo_of, scaled, split
from cliphaze_cli.system.errors import ImageError

_FILE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"
_UUIDS = {
    b"JpgTiffExif->JP2": "exif",
    bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC"): "xmp",
    bytes.fromhex("33C7A4D2B81D4723A0BAF1A3E097AD38"): "iptc",
    bytes.fromhex("B14BF8BD083D4B43A5AE8CD7D5A6CE03"): "geo",
}
_GREYS = ("L", "LA", "I;16", "I", "1")


def is_jp2(head: bytes) -> bool:
    """Whether a file that begins so is JPEG 2000."""
    return head.startswith((_FILE, _CODESTREAM))


def decode(data: bytes, check_size: CheckSize) -> Photo:
    """A whole file. `check_size` is called before anything is decoded, and raises if it likes.

    Raises ImageError for kinds that are not supported, or what Pillow and imagecodecs raise if the file is damaged.
    """
    width, height, bits, signed = _stated(data)
    deep = bits > 8 or signed
    check_size(width, height, deep=deep)
    with Image.open(io.BytesIO(data), formats=["JPEG2000"]) as image:
        check_size(image.width, image.height, deep=deep)
        profile, notice = icc.checked(_profile(data), grey=image.mode in _GREYS)
        samples = _deep(data) if deep else _plain(image, data)
    if samples.shape[2] > 4:
        raise ImageError(f"JPEG 2000 with {samples.shape[2]} channels is not supported; save it as RGB")
    colour, alpha, scale = scaled(*split(samples), bits if samples.dtype.itemsize > 1 or signed else 8, None)
    boxes = {} if data.startswith(_CODESTREAM) else _blocks(data)
    kept = carried(boxes.get("exif"), boxes.get("xmp"), samples.shape[1], samples.shape[0], orientation=1)
    tags = tiff_tags.read(io.BytesIO(boxes["geo"])).extra if "geo" in boxes else ()
    return photo_of(colour, alpha, kept, "PNG", [scale.notice, notice], icc=profile, iptc=boxes.get("iptc"), tags=tags)


def _stated(data: bytes) -> tuple[int, int, int, bool]:
    """(width, height, bits of the deepest channel, whether it is signed), from the codestream's SIZ marker."""
    at = data.find(_CODESTREAM)
    if at < 0 or at + 42 > len(data):
        raise ValueError("no JPEG 2000 codestream")
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    (count,) = struct.unpack_from(">H", data, at + 40)
    depths = data[at + 42 : at + 42 + 3 * count : 3]
    deepest = max(((depth & 127) + 1 for depth in depths), default=8)
    return right - left, bottom - top, deepest, any(depth & 128 for depth in depths)


def _profile(data: bytes) -> bytes | None:
    """The ICC profile of the file's colour box."""
    try:
        for _, start, end in isobmff.deep(data, (b"jp2h", b"colr")):
            if data[start] in (2, 3):
                return data[start + 3 : end]
    except (ValueError, IndexError, struct.error):
        pass
    return None


def _plain(image: Image.Image, data: bytes) -> NDArray[Any]:
    """(H, W, C) uint8: grey or RGB, with or without alpha."""
    try:
        image.load()
    except OSError as error:
        # Pillow decodes tile by tile, for which some encoders count the parts of tiles wrongly.
        try:
            return _deep(data)
        except RuntimeError:
            raise error from None
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return in_channels(np.asarray(image))


def _deep(data: bytes) -> NDArray[Any]:
    import imagecodecs

    try:
        samples = np.asarray(imagecodecs.jpeg2k_decode(data))
    except RuntimeError as error:
        if "not supported" in str(error):
            raise ImageError(f"JPEG 2000 of this kind is not supported ({error}); save it as RGB") from error
        raise
    return in_channels(samples)


def _blocks(data: bytes) -> dict[str, bytes]:
    """What the file's UUID boxes hold."""
    found: dict[str, bytes] = {}
    try:
        for kind, start, end in isobmff.boxes(data, 0, len(data)):
            name = _UUIDS.get(data[start : start + 16]) if kind == b"uuid" else None
            if name is not None:
                block = data[start + 16 : end]
                found.setdefault(name, exif.PREFIX + exif.without_prefix(block) if name == "exif" else block)
    except (ValueError, struct.error):  # the picture may be whole
        pass
    return found
