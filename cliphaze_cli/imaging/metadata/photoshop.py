"""Photoshop's image resources, in which JPEG and TIFF files keep IPTC-IIM texts (captions, keywords, credits).

Standard: Adobe Photoshop File Formats Specification, "Image Resource Blocks"; IPTC-IIM 4.2.
"""

import struct
from collections.abc import Iterator

APP13 = b"Photoshop 3.0\x00"
"""How a JPEG segment of resources begins."""

_IPTC = 0x0404
_PATHS = range(2000, 2999)
PATHS_DROPPED = "Photoshop's clipping paths dropped"


def iptc_of(resources: bytes) -> tuple[bytes | None, list[str]]:
    """(the IPTC block among the resources, or None; what else of the photo is dropped with them)."""
    block: bytes | None = None
    notices: list[str] = []
    for number, content in _resources(resources):
        if number == _IPTC and content and block is None:
            block = content
        elif number in _PATHS and not notices:
            notices.append(PATHS_DROPPED)
    return block, notices


def resources_of(iptc: bytes) -> bytes:
    """Resources that hold an IPTC block and nothing else."""
    return b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of each; ends quietly where the data is damaged."""
    at = 0
    while data[at : at + 4] in (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR") and at + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, at + 4)
        name = 1 + data[at + 6]
        at += 6 + name + name % 2
        if at + 4 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, at)
        at += 4
        if at + length > len(data):
            return
        yield number, data[at : at + length]
        at += length + length % 2
