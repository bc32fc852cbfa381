"""Reading JPEG XL by libjxl (imagecodecs).

Standards: ISO/IEC 18181-1 (codestream), 18181-2 (the file's boxes: Exif, xml, brob).
"""

import numpy as np

from cliphaze_cli.imaging.limits import CheckSize
from cliphaze_cli.imaging.metadata import exif, isobmff
from cliphaze_cli.imaging.metadata.carried import carried
from cliphaze_cli.imaging.metadata.xmp import MAX_XMP
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.readers import jxl_header
from cliphaze_cli.imaging.readers.assembly import in_channels, photo_of, scaled, split
from cliphaze_cli.system.errors import ImageError

_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_BARE = b"\xff\x0a"
_LONGEST_METADATA = MAX_XMP


def is_jxl(head: bytes) -> bool:
    """Whether a file that begins so is JPEG XL."""
    return head.startswith((_CONTAINER, _BARE))


def decode(data: bytes, check_size: CheckSize, *, white: float | None = None) -> Photo:
    """A whole file. `check_size` is called before anything is decoded, and raises if it likes.

    Raises ValueError, or what imagecodecs raises, if the file is damaged.
    """
    import imagecodecs

    boxes = {} if data.startswith(_BARE) else _boxes(data)
    header = jxl_header.read(data if data.startswith(_BARE) else boxes.get(b"jxlc") or boxes.get(b"jxlp", b"")[4:])
    check_size(header.width, header.height, deep=header.bits > 8)
    samples = in_channels(np.asarray(imagecodecs.jpegxl_decode(data, index=0)))
    if samples.ndim != 3 or samples.shape[0] * samples.shape[1] != header.width * header.height:
        raise ValueError("its size is not the one that it states")
    channels = samples.shape[2]
    if channels not in (1, 2, 3, 4):
        raise ImageError(f"JPEG XL with {channels} channels is not supported; save it as RGB")
    colour, alpha, scale = scaled(*split(samples), header.bits, white, premultiplied=header.premultiplied)
    height, width = samples.shape[:2]
    kept = carried(_exif(boxes), boxes.get(b"xml "), width, height, orientation=1)
    notices = [scale.notice]
    if header.others:
        notices.append("channels that are neither colour nor alpha dropped")
    if header.animated:
        notices.append("the first frame used")
    if header.unread:
        notices.append("the colour profile inside JPEG XL is not read: colours are taken as sRGB")
    if b"jumb" in boxes:
        notices.append("content credentials (C2PA) dropped: they vouch for the unchanged picture")
    return photo_of(colour, alpha, kept, "PNG", notices, icc=None, colour=header.colour)


def _boxes(data: bytes) -> dict[bytes, bytes]:
    """The content of the first box of each kind; metadata unpacked, codestreams only their beginnings."""
    import imagecodecs

    found: dict[bytes, bytes] = {}
    for kind, start, end in isobmff.boxes(data, 0, len(data)):
        if kind in (b"jxlc", b"jxlp"):
            found.setdefault(kind, data[start : min(end, start + 4100)])
        elif kind == b"brob":
            try:
                unpacked = bytes(imagecodecs.brotli_decode(data[start + 4 : end], out=_LONGEST_METADATA))
            except Exception:  # noqa: BLE001 - damaged or huge metadata must not cost the photo
                continue
            found.setdefault(data[start : start + 4], unpacked)
        else:
            found.setdefault(kind, data[start : min(end, start + _LONGEST_METADATA)])
    return found


def _exif(boxes: dict[bytes, bytes]) -> bytes | None:
    block = boxes.get(b"Exif", b"")
    skipped = int.from_bytes(block[:4], "big")
    return exif.PREFIX + exif.without_prefix(block[4 + skipped :]) if len(block) > 4 + skipped else None
