"""How far a camera raw file says that it reaches: LibRaw invents whole tiles that a cut-off copy lacks.

Layouts: TIFF 6.0 (DNG, CR2, NEF, ARW, PEF ..., also under Olympus' and Panasonic's marks), Fujifilm's RAF header, ISO
base media (CR3).
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES, _SUB_IFDS = 273, 279, 324, 325, 330
_PANASONIC = b"IIU\0"
_PANASONIC_DATA = 280  # its strips' place is the one of old firmware, or none
_TIFF_LIKE = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", _PANASONIC)
_FUJIFILM, _FUJIFILM_DATA = b"FUJIFILMCCD-RAW", 100
_WIDTHS = {1: 1, 3: 2, 4: 4, 13: 4}  # bytes of TIFF's integer types
_MOST_DIRECTORIES, _MOST_VALUES = 64, 1 << 16


def missing_bytes(stream: BinaryIO) -> int:
    """By how many bytes of pixels, at least, the file ends too early; 0 where it seems whole, or has another layout."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(_FUJIFILM_DATA + 8)
    try:
        if head.startswith(_TIFF_LIKE):
            end = max(_tiff_ends(stream, head), default=0)
        elif head.startswith(_FUJIFILM):
            end = sum(struct.unpack_from(">II", head, _FUJIFILM_DATA))
        elif head[4:12] == b"ftypcrx ":
            end = _last_box_end(stream, size)
        else:
            return 0
    except struct.error:
        return 0
    return max(0, end - size)


def _tiff_ends(stream: BinaryIO, head: bytes) -> Iterator[int]:
    """Where each strip and tile ends; of Panasonic's and Olympus' files, whose lengths are not exact, its middle."""
    order = "<" if head[:2] == b"II" else ">"
    panasonic, exact = head.startswith(_PANASONIC), head.startswith((b"II*\0", b"MM\0*"))
    pending, seen = [*struct.unpack_from(order + "I", head, 4)], set[int]()
    while pending and len(seen) < _MOST_DIRECTORIES:
        at = pending.pop()
        if at == 0 or at in seen:
            continue
        seen.add(at)
        tags, following = _directory(stream, order, at)
        pending += [*tags.get(_SUB_IFDS, ()), following]
        if panasonic and _PANASONIC_DATA in tags:
            tags[_STRIPS] = tags[_PANASONIC_DATA]
        for places, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
            for place, length in zip(tags.get(places, ()), tags.get(sizes, ()), strict=False):
                yield place + (length if exact else length // 2)


def _directory(stream: BinaryIO, order: str, at: int) -> tuple[dict[int, tuple[int, ...]], int]:
    """(the integers of those tags that matter here, the place of the next directory)."""
    wanted = (_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES, _SUB_IFDS, _PANASONIC_DATA)
    stream.seek(at)
    (count,) = struct.unpack(order + "H", stream.read(2))
    entries = stream.read(12 * count + 4)
    tags = {}
    for start in range(0, 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", entries, start)
        if tag in wanted and kind in _WIDTHS and number <= _MOST_VALUES:
            length = _WIDTHS[kind] * number
            value = entries[start + 8 : start + 12]
            if length > 4:
                stream.seek(*struct.unpack(order + "I", value))
                value = stream.read(length)
            tags[tag] = struct.unpack_from(f"{order}{number}{' BH I'[_WIDTHS[kind]]}", value)
    return tags, struct.unpack_from(order + "I", entries, 12 * count)[0]


def _last_box_end(stream: BinaryIO, size: int) -> int:
    at = 0
    while 0 <= at < size:
        stream.seek(at)
        (length,) = struct.unpack(">I4x", stream.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8))
        if length < 8:  # up to the end of the file, or nonsense
            return size
        at += length
    return at
