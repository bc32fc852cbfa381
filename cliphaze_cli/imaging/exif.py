"""EXIF blocks as bytes: removing what would be wrong in the new file without disturbing anything else.

An EXIF block is a small TIFF file: an 8-byte header, then directories (IFDs) of 12-byte entries whose longer values
lie elsewhere in the block, addressed by offset. Maker notes rely on such offsets, so nothing may move: entries are
taken out in place instead of being parsed and written anew.
"""

import re
import struct
from typing import BinaryIO

PREFIX = b"Exif\x00\x00"
ORIENTATION = 274
_SUB_DIRECTORIES = {34665, 34853}  # camera settings, GPS
# Descriptive tags that keep their meaning when the pixels are stored anew.
DESCRIPTIVE = _SUB_DIRECTORIES | {
    270,
    271,
    272,
    282,
    283,
    296,
    305,
    306,
    315,
    316,
    18246,
    18249,
    33432,
    *range(40091, 40096),
}


def split_directory(block: bytes) -> tuple[str, int, list[bytes]]:
    """The first directory of an EXIF block (with or without its prefix).

    Returns (byte order "<" or ">", offset of the directory, its 12-byte entries). Raises ValueError if it is damaged.
    """
    body = without_prefix(block)
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(bytes(body[:4]))
    if order is None or len(body) < 14:
        raise ValueError("no EXIF header")
    (offset,) = struct.unpack_from(order + "I", body, 4)
    if offset < 8 or offset + 2 > len(body):
        raise ValueError("EXIF directory outside the block")
    (count,) = struct.unpack_from(order + "H", body, offset)
    end = offset + 2 + 12 * count
    if end > len(body):
        raise ValueError("EXIF directory cut off")
    return order, offset, [body[at : at + 12] for at in range(offset + 2, end, 12)]


def entry_tag(order: str, entry: bytes) -> int:
    """The tag number of a 12-byte entry."""
    return int(struct.unpack_from(order + "H", entry)[0])


def orientation_of(order: str, entries: list[bytes]) -> int:
    """The orientation 1..8 among the entries of `split_directory`; 1 if there is none or an odd one."""
    for entry in entries:
        tag, kind, count, value = struct.unpack_from(order + "HHIH", entry)
        if tag == ORIENTATION and kind == 3 and count == 1:
            return valid_orientation(value)
    return 1


def without_prefix(block: bytes) -> bytes:
    """The TIFF structure inside an EXIF block."""
    return re.sub(rb"^(Exif\x00\x00)+", b"", block)


def cleaned(block: bytes) -> bytes | None:
    """The block without the orientation (it has been applied) and the link to the thumbnail (it shows the old photo).

    Returns it with its prefix, or None if nothing is left. Raises ValueError if the block is damaged.
    """
    order, offset, entries = split_directory(block)
    kept = [entry for entry in entries if entry_tag(order, entry) != ORIENTATION]
    if not kept:
        return None
    body = bytearray(without_prefix(block))
    size = 2 + 12 * len(entries) + 4
    directory = struct.pack(order + "H", len(kept)) + b"".join(kept)  # the zeros after it: no further directory
    body[offset : offset + size] = directory.ljust(size, b"\x00")
    return PREFIX + bytes(body)


def from_tiff(stream: BinaryIO) -> bytes | None:
    """The descriptive tags of a TIFF file as an EXIF block, without the orientation; None if there are none.

    A TIFF file keeps EXIF tags among those that describe the stored pixels; only the former are taken.
    Raises whatever Pillow raises on damaged tags.
    """
    from PIL import Image

    stream.seek(0)
    head = stream.read(16)
    source, result = Image.Exif(), Image.Exif()
    if head[:4] in (b"II+\x00", b"MM\x00+"):  # BigTIFF, which load_from_fp does not recognise by itself
        source.bigtiff, source.endian = True, "<" if head[:2] == b"II" else ">"
        source.load_from_fp(stream, struct.unpack(source.endian + "Q", head[8:])[0])
    else:
        stream.seek(0)
        source.load_from_fp(stream)
    result.endian = source.endian
    for tag in sorted(set(source) & DESCRIPTIVE):
        if tag in _SUB_DIRECTORIES:
            directory = dict(source.get_ifd(tag))
            if tag == 34665 and 40965 in directory:  # the interoperability directory: an offset that no longer holds
                directory[40965] = dict(source.get_ifd(40965))
            result[tag] = directory
        else:
            result[tag] = source[tag]
    return result.tobytes() if len(result) else None


def valid_orientation(value: object) -> int:
    """An EXIF orientation value as 1..8; anything else counts as upright."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
