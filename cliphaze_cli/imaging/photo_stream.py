"""Photos as bytes between two processes. The reader trusts nothing: the writer may be in a hostile file's hands.

A message is the length of its head (4 bytes, big-endian), the head (JSON), then the raw bytes that the head announces:
pixels, alpha, EXIF, colour profile. No pickle: that would let the sender run code here.
"""

import dataclasses
import json
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging.colour_label import ColourLabel
from cliphaze_cli.imaging.file_status import FileStatus
from cliphaze_cli.imaging.formats import FORMATS
from cliphaze_cli.imaging.limits import MAX_METADATA
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.tiff_tags import Tag

_LONGEST_HEAD = 1 << 20
_SAMPLES = ("uint8", "uint16")


def send_error(stream: BinaryIO, message: str) -> None:
    """Tell why there is no photo."""
    _send_head(stream, {"error": message})
    stream.flush()


def send_photo(stream: BinaryIO, photo: Photo) -> None:
    """Write a whole photo, whose EXIF and profile are at most MAX_METADATA bytes each.

    Raises ValueError, before anything is written, if its arrays do not fit each other: `receive` would wait for more.
    """
    expected = [(*photo.pixels.shape[:2], 3), photo.pixels.shape[:2]]
    given = [samples for samples in (photo.pixels, photo.alpha) if samples is not None]
    if any(one.shape != shape or one.dtype != photo.pixels.dtype for one, shape in zip(given, expected, strict=False)):
        raise ValueError(f"a photo of {[(one.shape, one.dtype.name) for one in given]}")
    blocks = (photo.exif or b"", photo.icc or b"", photo.xmp or b"", photo.iptc or b"", _packed(photo))
    _send_head(
        stream,
        {
            "shape": photo.pixels.shape[:2],
            "samples": photo.pixels.dtype.name,
            "alpha": photo.alpha is not None,
            "bands": 0 if photo.bands is None else photo.bands.shape[2],
            "grey": photo.grey,
            "blocks": [len(block) for block in blocks],
            "format": photo.format,
            "notices": photo.notices,
            "dpi": photo.dpi,
            "half_chroma": photo.half_chroma,
        },
    )
    for samples in given if photo.bands is None else [*given, photo.bands]:
        stream.write(np.ascontiguousarray(samples).data.cast("B"))
    for block in blocks:
        stream.write(block)
    stream.flush()


def receive(stream: BinaryIO, max_pixels: int) -> Photo:
    """The next photo. Raises ImageError with what `send_error` told, ValueError if the message is not a valid one
    (or of more than `max_pixels`), and EOFError if it ends early."""
    head = _receive_head(stream)
    if isinstance(head.get("error"), str):
        raise ImageError(head["error"])
    try:
        height, width = (int(side) for side in head["shape"])
        lengths = [int(length) for length in head["blocks"]]
        samples = np.dtype(_SAMPLES[_SAMPLES.index(head["samples"])])
        notices = tuple(str(notice) for notice in head["notices"])
        dpi = None if head["dpi"] is None else (float(head["dpi"][0]), float(head["dpi"][1]))
        format, alpha, grey = str(head["format"]), bool(head["alpha"]), bool(head["grey"])
        half_chroma, count = bool(head["half_chroma"]), int(head["bands"])
    except (KeyError, TypeError, IndexError, OverflowError) as error:
        raise ValueError("a message without what a photo needs") from error
    if min(height, width) < 1 or height * width * max(1, (count + 3) / 4) > max_pixels or format not in FORMATS:
        raise ValueError("a message with an impossible photo")
    if len(lengths) != 5 or count < 0 or not all(0 <= length <= MAX_METADATA for length in lengths):
        raise ValueError("a message with impossible metadata")
    pixels = _receive_samples(stream, (height, width, 3), samples)
    transparency = _receive_samples(stream, (height, width), samples) if alpha else None
    bands = _receive_samples(stream, (height, width, count), samples) if count else None
    exif, icc, xmp, iptc, rest = (_receive_bytes(stream, length) or None for length in lengths)
    photo = Photo(pixels, transparency, grey, exif, icc, format, notices, dpi, half_chroma, xmp, iptc, bands=bands)
    return dataclasses.replace(photo, **_unpacked(rest)) if rest else photo


def _packed(photo: Photo) -> bytes:
    """The small rest, as JSON."""
    rest = {
        "texts": photo.texts,
        "colour": photo.colour and dataclasses.astuple(photo.colour),
        "tags": [(tag.number, tag.kind, tag.count, tag.values.hex()) for tag in photo.tags],
        "lossless": photo.lossless,
        "quality": photo.quality,
        "file": photo.file and dataclasses.astuple(photo.file),
    }
    return json.dumps(rest).encode("ascii")


def _unpacked(rest: bytes) -> dict[str, Any]:
    """Raises ValueError if it is not what `_packed` makes."""
    found = json.loads(rest)
    try:
        colour, file = found["colour"], found["file"]
        return {
            "texts": tuple((str(keyword), str(text)) for keyword, text in found["texts"]),
            "colour": colour and _label(*colour),
            "tags": tuple(Tag(int(a), int(b), int(c), bytes.fromhex(values)) for a, b, c, values in found["tags"]),
            "lossless": bool(found["lossless"]),
            "quality": None if found["quality"] is None else int(found["quality"]),
            "file": file and FileStatus(*(int(one) for one in file)),
        }
    except (KeyError, TypeError) as error:
        raise ValueError("a message without what a photo needs") from error


def _label(cicp: Any, intent: Any, gamma: Any, points: Any) -> ColourLabel:
    return ColourLabel(cicp and (int(cicp[0]), int(cicp[1])), intent, gamma, points and tuple(map(float, points)))


def _send_head(stream: BinaryIO, head: dict[str, Any]) -> None:
    packed = json.dumps(head).encode("ascii")
    stream.write(struct.pack(">I", len(packed)) + packed)


def _receive_head(stream: BinaryIO) -> dict[str, Any]:
    (length,) = struct.unpack(">I", _receive_bytes(stream, 4))
    if length > _LONGEST_HEAD:
        raise ValueError("a message with an impossible head")
    head = json.loads(_receive_bytes(stream, length))  # its errors are ValueErrors
    if not isinstance(head, dict):
        raise ValueError("a message with an impossible head")
    return head


def _receive_bytes(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data


def _receive_samples(stream: BinaryIO, shape: tuple[int, ...], samples: np.dtype[Any]) -> NDArray[Any]:
    result = np.empty(shape, samples)
    if stream.readinto(result.data.cast("B")) != result.nbytes:  # type: ignore[attr-defined]
        raise EOFError
    return result
