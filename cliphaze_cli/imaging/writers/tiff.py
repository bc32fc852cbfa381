"""Writing TIFF, 8 or 16 bits, ZIP-compressed by ISA-L, with every EXIF tag where it was.

An EXIF block is itself the beginning of a TIFF file. It becomes the beginning of this one, so that all offsets inside
it, maker notes included, stay true; the image and a new first directory follow.
"""

import struct
from typing import Any

from numpy.typing import NDArray

from cliphaze_cli.imaging.metadata import exif
from cliphaze_cli.imaging.metadata.packed import Packed
from cliphaze_cli.imaging.metadata.tiff_layout import directory, entry
from cliphaze_cli.imaging.metadata.tiff_tags import as_stored
from cliphaze_cli.system.atomic_file import ByteSink

_STRIP_BYTES = 1 << 20
_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 3, 4, 5, 7
_DEFLATE, _HORIZONTAL_DIFFERENCES, _INCH = 8, 2, 2
_LARGEST = 2**32 - 1
_LEVEL = 2  # of 0 to 3; files are as small as by zlib's level 4
_NOTHING = Packed()


def encode(
    sink: ByteSink,
    samples: NDArray[Any],
    metadata: Packed = _NOTHING,
    *,
    extras: tuple[int, ...] = (),
) -> None:
    """Writes (H, W) or (H, W, C) uint8 or uint16 samples: grey or RGB, then the channels that `extras` tells the kinds
    of (0 unspecified, 2 alpha that the colours are not multiplied with).

    Raises ValueError if the file would exceed the 4 GB that TIFF offsets can reach.
    """
    from isal import isal_zlib

    head, order, kept = _head(metadata.exif)
    sink.write(head)
    position = len(head)
    position += sink.write(bytes(position % 2))

    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    bits = 8 * samples.dtype.itemsize
    rows_per_strip = max(1, _STRIP_BYTES // (width * channels * samples.dtype.itemsize))
    offsets, lengths = [], []

    for top in range(0, height, rows_per_strip):
        strip = _differences(samples[top : top + rows_per_strip].reshape(-1, width, channels))
        stored = strip.astype(f"{order}u{strip.dtype.itemsize}", copy=False)
        packed = isal_zlib.compress(stored.tobytes(), _LEVEL)
        offsets.append(position)
        lengths.append(len(packed))
        position += sink.write(packed)
        if position > _LARGEST:
            raise ValueError("it would exceed the 4 GB that TIFF can hold")

    blocks: list[tuple[int, int, int, bytes]] = [  # tag, kind, count, values
        (258, _SHORT, channels, struct.pack(f"{order}{channels}H", *[bits] * channels)),
        (273, _LONG, len(offsets), struct.pack(f"{order}{len(offsets)}I", *offsets)),
        (279, _LONG, len(lengths), struct.pack(f"{order}{len(lengths)}I", *lengths)),
    ]
    for tag, kind, content in (
        (700, _BYTE, metadata.xmp),
        (33723, _UNDEFINED, metadata.iptc),
        (34675, _UNDEFINED, metadata.icc),
    ):
        if content:
            blocks.append((tag, kind, len(content), content))
    blocks += [(tag.number, tag.kind, tag.count, as_stored(tag, order)) for tag in metadata.tags]
    if extras:
        blocks.append((338, _SHORT, len(extras), struct.pack(f"{order}{len(extras)}H", *extras)))
    dpi = metadata.dpi
    if dpi and not any(exif.entry_tag(order, one) == 282 for one in kept):
        kept = [one for one in kept if exif.entry_tag(order, one) not in (283, 296)]
        kept.append(entry(order, 296, _INCH, kind=_SHORT))
        blocks += [
            (tag, _RATIONAL, 1, struct.pack(order + "II", round(value * 10_000), 10_000))
            for tag, value in zip((282, 283), dpi, strict=True)
        ]
    short = {
        259: _DEFLATE,
        262: 2 if channels - len(extras) == 3 else 1,
        277: channels,
        284: 1,
        317: _HORIZONTAL_DIFFERENCES,
    }
    kept += [entry(order, tag, value, kind=_SHORT) for tag, value in short.items()]
    kept += [entry(order, tag, value) for tag, value in ((256, width), (257, height), (278, rows_per_strip))]
    for tag, kind, count, values in blocks:
        position += sink.write(bytes(position % 2))
        if len(values) <= 4:
            kept.append(struct.pack(order + "HHI", tag, kind, count) + values.ljust(4, b"\x00"))
            continue
        kept.append(entry(order, tag, position, kind=kind, count=count))
        position += sink.write(values)
    position += sink.write(bytes(position % 2))
    sink.write(directory(order, kept))
    sink.seek(4)
    sink.write(struct.pack(order + "I", position))


def _head(exif_block: bytes | None) -> tuple[bytes, str, list[bytes]]:
    """(the beginning of the file, its byte order, the entries to take over into the first directory)."""
    if exif_block is None:
        return b"II*\x00" + bytes(4), "<", []
    order, _, entries = exif.split_directory(exif_block)
    return (
        exif.without_prefix(exif_block),
        order,
        [one for one in entries if exif.entry_tag(order, one) in exif.DESCRIPTIVE],
    )


def _differences(strip: NDArray[Any]) -> NDArray[Any]:
    """Each pixel less its left neighbour, wrapping around; (R, W, C) of unsigned integers."""
    result = strip.copy()
    result[:, 1:] -= strip[:, :-1]
    return result
