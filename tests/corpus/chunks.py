"""PNG, RIFF and ISO-BMFF files from their parts, for what no encoder would write."""

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk with the right checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int,
    height: int,
    bits: int,
    colour_type: int,
    rows: bytes,
    *,
    interlace: int = 0,
    extra: Iterable[bytes] = (),
) -> bytes:
    """A PNG file of filtered `rows`; `extra` chunks come before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlace)
    parts = [SIGNATURE, chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"".join(parts)


def adam7_png(pixels: "np.ndarray[Any, Any]") -> bytes:
    """(H, W, 3) uint8 as an interlaced PNG file."""
    rows = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for row in pixels[y::dy, x::dx]:
            rows += b"\0" + row.tobytes() if row.size else b""
    return png(pixels.shape[1], pixels.shape[0], 8, 2, rows, interlace=1)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of the given chunks."""
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(
    width: int, height: int, strip: bytes, *, extra: "Iterable[tuple[int, int, int, int]]" = (), **tags: int
) -> bytes:
    """A little-endian TIFF file of one strip of 8-bit grey. `extra` entries: (tag, type, count, value or offset).

    tags: `compression`, `bits`, `strip_length`, `next_directory` where they shall differ from what is right.
    """
    offset = 8 + len(strip) + len(strip) % 2
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, tags.get("bits", 8)),
        (259, 3, 1, tags.get("compression", 1)),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, tags.get("strip_length", len(strip))),
        *extra,
    ]
    body = b"II*\0" + struct.pack("<I", offset) + strip + bytes(len(strip) % 2) + struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return body + struct.pack("<I", tags.get("next_directory", 0))
