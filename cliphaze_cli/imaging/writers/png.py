"""Writing PNG: Pillow has no 16 bits per sample for colour, and encodes with Python's lock held, so that photos being
dehazed in other threads stand still."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging.bitdepth import row_bands
from cliphaze_cli.imaging.metadata import exif
from cliphaze_cli.imaging.metadata.png_chunks import METRE, SIGNATURE
from cliphaze_cli.imaging.writers.side_by_side import side_by_side
from cliphaze_cli.system.atomic_file import ByteSink

_LEVEL = 4  # twice as fast as 6 for a few percent of size
_ZLIB_HEADER = b"\x78\x5e"  # a window of 32 KB, compressed fast
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: grey, grey + alpha, RGB, RGB + alpha


def encode(
    sink: ByteSink,
    samples: NDArray[np.uint8] | NDArray[np.uint16],
    *,
    exif_block: bytes | None = None,
    profile: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    title: str | None = None,
    chunks: Iterable[bytes] = (),
) -> None:
    """Writes (H, W) or (H, W, C) uint8 or uint16 samples, C = 1 to 4 for grey, grey + alpha, RGB, RGB + alpha.

    title: says in the file what it shows, where other programs look for that. chunks: whole ones to write before the
    picture.
    """
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    size = samples.itemsize
    sink.write(SIGNATURE)
    _write_chunk(sink, b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * size, _COLOUR_TYPES[channels], 0, 0, 0))
    if title:
        _write_chunk(sink, b"tEXt", b"Title\x00" + title.encode("latin-1", "replace"))
    if profile:
        _write_chunk(sink, b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(profile))
    if dpi:
        _write_chunk(sink, b"pHYs", struct.pack(">IIB", *(round(value / METRE) for value in dpi), 1))
    if exif_block:
        _write_chunk(sink, b"eXIf", exif.without_prefix(exif_block))
    for chunk in chunks:
        sink.write(chunk)

    def pack(rows: slice) -> tuple[bytes, bytes]:
        raw = _bytes_of(samples[rows])
        above = _bytes_of(samples[rows.start - 1 : rows.start]) if rows.start else np.zeros_like(raw[:1])
        filtered = _filtered(raw, above, size * channels).tobytes()
        # Each band is a part of one deflate stream by itself: it ends at a byte, and nothing refers across.
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(filtered) + packer.flush(zlib.Z_FINISH if rows.stop == height else zlib.Z_FULL_FLUSH)
        return filtered, packed

    checksum, header = zlib.adler32(b""), _ZLIB_HEADER
    for filtered, packed in side_by_side(pack, row_bands(height, 2 * width * channels * size)):
        checksum = zlib.adler32(filtered, checksum)
        _write_chunk(sink, b"IDAT", header + packed)
        header = b""
    _write_chunk(sink, b"IDAT", struct.pack(">I", checksum))
    _write_chunk(sink, b"IEND", b"")


def _bytes_of(rows: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(R, W) or (R, W, C) samples -> (R, N) bytes, big-endian."""
    return np.ascontiguousarray(rows, dtype=f">u{rows.itemsize}").view(np.uint8).reshape(len(rows), -1)


def _write_chunk(sink: ByteSink, kind: bytes, content: bytes) -> None:
    sink.write(struct.pack(">I", len(content)) + kind)
    sink.write(content)
    sink.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))


def _filtered(raw: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Rows of bytes (R, N) -> (R, N + 1), each with the filter that leaves the smallest differences.

    above: (1, N), the row before the first; step: bytes per pixel. The filters are Sub, Up and Paeth of the PNG
    specification; bytes wrap around.
    """
    up = np.concatenate([above, raw[:-1]])
    left, corner = np.zeros_like(raw), np.zeros_like(raw)
    left[:, step:], corner[:, step:] = raw[:, :-step], up[:, :-step]
    result = np.empty((len(raw), raw.shape[1] + 1), np.uint8)
    lowest = np.full(len(raw), np.iinfo(np.int64).max)
    for number, guess in ((1, left), (2, up), (4, _paeth(left, up, corner))):
        difference = raw - guess
        cost = np.abs(difference.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64)
        better = cost < lowest
        result[better, 0] = number
        np.copyto(result[:, 1:], difference, where=better[:, None])
        lowest = np.minimum(cost, lowest)
    return result


def _paeth(left: NDArray[np.uint8], up: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    a, b, c = (part.astype(np.int16) for part in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
