"""Entries and directories of TIFF files, as bytes."""

import struct

from cliphaze_cli.imaging.metadata.exif import entry_tag

_SHORT, _LONG, _UNDEFINED = 3, 4, 7


def entry(order: str, tag: int, value: int, *, kind: int = _LONG, count: int = 1) -> bytes:
    """A 12-byte entry. `value`: the value itself, or the offset of values longer than four bytes.

    order: "<" or ">"; kind: the TIFF type number (3 SHORT, 4 LONG, 5 RATIONAL, 7 UNDEFINED).
    """
    if kind == _SHORT and count == 1:
        return struct.pack(order + "HHIHH", tag, kind, count, value, 0)
    return struct.pack(order + "HHII", tag, kind, count, value)


def directory(order: str, entries: list[bytes]) -> bytes:
    """The last directory of a file: entries sorted by tag, and no further directory."""
    ordered = sorted(entries, key=lambda one: entry_tag(order, one))
    return struct.pack(order + "H", len(ordered)) + b"".join(ordered) + bytes(4)
