"""Writing PNG by libpng (imagecodecs), which knows every layout at 8 and 16 bits and runs without Python's lock."""

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging.metadata import exif
from cliphaze_cli.imaging.metadata.png_chunks import METRE, SIGNATURE, chunk
from cliphaze_cli.system.atomic_file import ByteSink

_HEADER_END = len(SIGNATURE) + 25  # of the first chunk, IHDR; others go between it and the picture
_ROWS_TRIED = 64


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
    picture. Raises imagecodecs.PngError where libpng refuses.
    """
    import imagecodecs

    # Room for what cannot be compressed, with filters, chunks and all; it is not held as long as nothing fills it.
    room: Any = np.empty(samples.nbytes + samples.nbytes // 64 + len(samples) + 4096, np.uint8)
    written = imagecodecs.png_encode(np.ascontiguousarray(samples), **_compression(samples), out=room)
    picture = memoryview(written)
    sink.write(picture[:_HEADER_END])
    if title:
        sink.write(chunk(b"tEXt", b"Title\x00" + title.encode("latin-1", "replace")))
    if profile:
        sink.write(chunk(b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(profile)))
    if dpi:
        sink.write(chunk(b"pHYs", struct.pack(">IIB", *(round(value / METRE) for value in dpi), 1)))
    if exif_block:
        sink.write(chunk(b"eXIf", exif.without_prefix(exif_block)))
    for one in chunks:
        sink.write(one)
    sink.write(picture[_HEADER_END:])


def _compression(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> dict[str, Any]:
    """The fastest way that makes files no larger than zlib's level 4 with the best filter for each row."""
    import imagecodecs

    kinds = imagecodecs.PNG
    if samples.dtype == np.uint8:
        # Photos hardly repeat themselves beyond runs.
        return {"level": 1, "strategy": kinds.STRATEGY.RLE, "filter": kinds.FILTER.PAETH}
    # Low bytes do where they follow from the high ones: in smooth maps, in 8 bits carried to 16. Some rows tell.
    runs = {"level": 1, "strategy": kinds.STRATEGY.RLE, "filter": kinds.FILTER.SUB}
    repeats = {"level": 3, "strategy": kinds.STRATEGY.DEFAULT, "filter": kinds.FILTER.SUB}
    rows = np.ascontiguousarray(samples[:: -(-len(samples) // _ROWS_TRIED)])
    return min((runs, repeats), key=lambda way: len(imagecodecs.png_encode(rows, **way)))
