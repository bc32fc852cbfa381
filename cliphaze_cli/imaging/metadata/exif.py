"""EXIF blocks as bytes: removing what would be wrong in the new file without disturbing anything else.

An EXIF block is a small TIFF file: an 8-byte header, then directories (IFDs) of 12-byte entries whose longer values
lie elsewhere in the block, addressed by offset. Maker notes rely on such offsets, so nothing may move: entries are
taken out in place instead of being parsed and written anew.
"""

import re
import struct

PREFIX = b"Exif\x00\x00"
ORIENTATION = 274
_SETTINGS, _GPS, _INTEROPERABILITY = 34665, 34853, 40965
SUB_DIRECTORIES = {_SETTINGS, _GPS, _INTEROPERABILITY}
_SHORT, _LONG = 3, 4
# Tags of width (0) and height (1): of TIFF, of EXIF, of the related picture.
_SIZES = {256: 0, 257: 1, 40962: 0, 40963: 1, 4097: 0, 4098: 1}
# Descriptive tags that keep their meaning when the pixels are stored anew; some programs put camera settings there.
DESCRIPTIVE = {
    *(_SETTINGS, _GPS, 269, 270, 271, 272, 282, 283, 285, 296, 305, 306, 315, 316, 18246, 18249, 33432, 33434, 33437),
    *(34850, 34855, 36867, 36868, 36880, 36881, 36882, 37377, 37378, 37379, 37380, 37381, 37382, 37383, 37384, 37385),
    *(37386, 42032, 42033, 42034, 42035, 42036, 42037, *range(40091, 40096)),
}  # fmt: skip


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


def has_thumbnail(block: bytes) -> bool:
    """Whether a second directory, which describes a thumbnail, follows. Raises ValueError if the block is damaged."""
    order, offset, entries = split_directory(block)
    body = without_prefix(block)
    at = offset + 2 + 12 * len(entries)
    return at + 4 <= len(body) and struct.unpack_from(order + "I", body, at)[0] != 0


def cleaned(block: bytes, size: tuple[int, int] | None = None) -> bytes | None:
    """The block without the orientation (it has been applied) and the link to the thumbnail (it shows the old photo).

    size: width and height of the upright pixels, which replace those that the block states.
    Returns it with its prefix, or None if nothing is left. Raises ValueError if the block is damaged.
    """
    order, offset, entries = split_directory(block)
    kept = [entry for entry in entries if entry_tag(order, entry) != ORIENTATION]
    if not kept:
        return None
    body = bytearray(without_prefix(block))
    length = 2 + 12 * len(entries) + 4
    directory = struct.pack(order + "H", len(kept)) + b"".join(kept)  # the zeros after it: no further directory
    body[offset : offset + length] = directory.ljust(length, b"\x00")
    if size is not None:
        _state_size(body, order, offset, size)
    return PREFIX + bytes(body)


def _state_size(body: bytearray, order: str, directory: int, size: tuple[int, int]) -> None:
    """Correct width and height wherever the directory and those below it state them, in place."""
    below = _state_size_in(body, order, directory, size)
    if _SETTINGS in below:
        below = _state_size_in(body, order, below[_SETTINGS], size)
        if _INTEROPERABILITY in below:
            _state_size_in(body, order, below[_INTEROPERABILITY], size)


def _state_size_in(body: bytearray, order: str, directory: int, size: tuple[int, int]) -> dict[int, int]:
    """Correct one directory; returns where the ones that it names lie."""
    below: dict[int, int] = {}
    if not 8 <= directory <= len(body) - 2:
        return below
    (count,) = struct.unpack_from(order + "H", body, directory)
    for at in range(directory + 2, min(directory + 2 + 12 * count, len(body) - 11), 12):
        tag, kind, number, value = struct.unpack_from(order + "HHII", body, at)
        if tag in _SIZES and kind in (_SHORT, _LONG) and number == 1:
            struct.pack_into(order + "HHII", body, at, tag, _LONG, 1, size[_SIZES[tag]])
        elif tag in SUB_DIRECTORIES:
            below.setdefault(tag, value)
    return below


def valid_orientation(value: object) -> int:
    """An EXIF orientation value as 1..8; anything else counts as upright."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
