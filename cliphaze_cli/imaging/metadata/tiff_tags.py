"""The tags of TIFF files as bytes: those that describe the photo, wherever they come from and wherever they go.

Standard: TIFF 6.0, BigTIFF, OGC GeoTIFF 1.1. Values are carried as they are, so texts keep their bytes whatever their
encoding. Tags that describe how the old file stores its pixels stay behind.
"""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from cliphaze_cli.imaging.limits import MAX_METADATA
from cliphaze_cli.imaging.metadata import exif, photoshop

_ITEM_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {3: "H", 4: "I", 5: "I", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_CLASSIC = {16: (4, "I"), 17: (9, "i"), 18: (13, "I")}  # 64-bit kinds of BigTIFF -> kinds of TIFF
_MOST_ENTRIES = 4096
_XMP, _IPTC, _RESOURCES, _LAYERS = 700, 33723, 34377, 37724

_INTEROPERABILITY = 40965
_GDAL_METADATA = 42112
NODATA = 42113
GEO_TAGS = frozenset((33550, 33920, 33922, 34264, 34735, 34736, 34737, _GDAL_METADATA, NODATA, 50844))
"""GeoTIFF (scale, tie points, transformation, keys), GDAL (metadata, NoData), rational polynomials."""

# How the old file lays out its pixels, or what is carried otherwise.
_STAY_BEHIND = frozenset(
    (*range(254, 267), 273, 274, *range(277, 285), *range(288, 294), 297, 300, 301, 317, *range(320, 348),
     351, *range(400, 406), *range(433, 438), *range(512, 522), *range(529, 533), 559, _XMP, 32781,
     *range(32995, 33000), 33421, 33422, _IPTC, _RESOURCES, 34675, 34732, _LAYERS, 40965, 50674, 50838, 50839,
     59932, 59933, 65000)
)  # fmt: skip


@dataclass(frozen=True)
class Tag:
    """number, kind (3 SHORT, 4 LONG, 5 RATIONAL ...) and count as in TIFF; values: the bytes, little-endian."""

    number: int
    kind: int
    count: int
    values: bytes


@dataclass
class TiffTags:
    """exif: the descriptive tags as an EXIF block, without orientation, or None; extra: other tags that TIFF files can
    carry on, the georeference among them; the rest as in `Photo`."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    extra: tuple[Tag, ...] = ()
    notices: list[str] = field(default_factory=list)


def read(stream: BinaryIO) -> TiffTags:
    """The tags of a TIFF or BigTIFF file's first directory. Never raises for damage: it is told instead."""
    result = TiffTags()
    try:
        source = _Source(stream)
        first = {tag.number: tag for tag in source.directory(source.first)}
    except (ValueError, struct.error, OSError, OverflowError):
        result.notices.append("damaged EXIF dropped")
        return result
    result.xmp = source.raw(first.get(_XMP)) or None
    result.iptc = (source.raw(first.get(_IPTC)) or b"").rstrip(b"\x00") or None
    found, notices = photoshop.iptc_of(source.raw(first.get(_RESOURCES)) or b"")
    result.iptc = result.iptc or found
    result.notices += notices
    if _LAYERS in first:
        result.notices.append("Photoshop's layers dropped")
    result.extra = tuple(
        _without_statistics(tag)
        for number, tag in sorted(first.items())
        if number not in exif.DESCRIPTIVE and number not in _STAY_BEHIND and tag.kind not in (13, 18)
    )
    described = [tag for number, tag in first.items() if number in exif.DESCRIPTIVE and not _is_layout(tag)]
    try:
        result.exif = _exif_block(source, described)
    except (ValueError, struct.error, OSError, OverflowError):
        result.notices.append("damaged EXIF dropped")
    return result


def is_geo(tags: Iterable[Tag]) -> bool:
    """Whether a georeference is among them."""
    return any(tag.number in GEO_TAGS for tag in tags)


def nodata_of(tags: Iterable[Tag]) -> float | None:
    """The value that marks pixels without data, by GDAL's tag; None if there is none."""
    for tag in tags:
        if tag.number == NODATA:
            try:
                return float(tag.values.split(b"\x00")[0].decode("ascii").strip())
            except ValueError:
                return None
    return None


def with_nodata(tags: tuple[Tag, ...], value: float) -> tuple[Tag, ...]:
    """The tags with another value that marks pixels without data."""
    text = f"{value:g}\x00".encode()
    return tuple(Tag(NODATA, 2, len(text), text) if tag.number == NODATA else tag for tag in tags)


def as_stored(tag: Tag, order: str) -> bytes:
    """The values in a file's byte order, "<" or ">"."""
    return _swapped(tag.values, tag.kind) if order == ">" else tag.values


class _Source:
    """A file whose directories are read, with a bound on all bytes that are taken from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 2 * MAX_METADATA
        head = self._at(0, 16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        magic = struct.unpack_from((self.order or "<") + "H", head, 2)[0]
        if not self.order or magic not in (42, 43):
            raise ValueError("no TIFF header")
        self.big = magic == 43
        self.first: int = struct.unpack_from(self.order + ("Q" if self.big else "I"), head, 8 if self.big else 4)[0]

    def directory(self, offset: int) -> list[Tag]:
        """Its tags, without those of unknown kinds and beyond the bound. Raises ValueError if it is cut off."""
        width, entry_size = (8, 20) if self.big else (2, 12)
        (count,) = struct.unpack(self.order + ("Q" if self.big else "H"), self._at(offset, width))
        if count > _MOST_ENTRIES:
            raise ValueError("too many tags")
        entries = self._at(offset + width, count * entry_size)
        tags = []
        for at in range(0, len(entries), entry_size):
            number, kind, items = struct.unpack_from(self.order + ("HHQ" if self.big else "HHI"), entries, at)
            inline = entries[at + 12 : at + 20] if self.big else entries[at + 8 : at + 12]
            size = _ITEM_SIZES.get(kind, 0) * items
            if not size or size > self._left:
                continue
            if size > len(inline):
                place = int.from_bytes(inline, "little" if self.order == "<" else "big")
                try:
                    values = self._at(place, size)
                except ValueError:
                    continue  # beyond the end of the file
            else:
                values = inline[:size]
            if self.order == ">":
                values = _swapped(values, kind)
            tags.append(_classic(Tag(number, kind, items, values)))
        return tags

    def raw(self, tag: Tag | None) -> bytes | None:
        """A tag's bytes as the file has them: some programs declare bytes as numbers."""
        return None if tag is None else as_stored(tag, self.order)

    def _at(self, offset: int, size: int) -> bytes:
        self._left -= size
        self._stream.seek(offset)
        data = self._stream.read(size)
        if len(data) != size and offset:
            raise ValueError("TIFF tags beyond the end")
        return data


def _exif_block(source: _Source, descriptive: list[Tag]) -> bytes | None:
    """An EXIF block of the tags and the directories below them, in the file's byte order: maker notes stay readable
    in it as far as they do not point elsewhere."""
    if not descriptive:
        return None
    below: dict[int, list[Tag]] = {}
    for tag in descriptive:
        if tag.number in exif.SUB_DIRECTORIES:
            found = _below(source, tag)
            # Of directories within it, one kind is usual; no running in circles.
            inner = next((one for one in found if one.number == _INTEROPERABILITY), None)
            below[tag.number] = [one for one in found if one.number not in exif.SUB_DIRECTORIES or one is inner]
            if inner is not None:
                found = _below(source, inner)
                below[_INTEROPERABILITY] = [one for one in found if one.number not in exif.SUB_DIRECTORIES]
    block = b"II*\x00" if source.order == "<" else b"MM\x00*"
    block += struct.pack(source.order + "I", 8)
    return exif.PREFIX + block + _laid_out(descriptive, below, source.order, 8)


def _is_layout(tag: Tag) -> bool:
    """Whether a description is no text but how a program laid out the old file's pages, which readers believe."""
    return tag.number == 270 and tag.values.startswith((b'{"shape":', b"ImageJ="))


def _below(source: _Source, pointer: Tag) -> list[Tag]:
    (offset,) = struct.unpack_from("<I", pointer.values)
    return source.directory(offset)


def _laid_out(tags: list[Tag], below: dict[int, list[Tag]], order: str, at: int) -> bytes:
    """A directory at the offset `at` of a block, followed by its longer values and the directories below it."""
    entries, tail = b"", b""
    start = at + 2 + 12 * len(tags) + 4
    for tag in sorted(tags, key=lambda one: one.number):
        values, kind, count = as_stored(tag, order), tag.kind, tag.count
        if tag.number in exif.SUB_DIRECTORIES and tag.number in below:
            place = start + len(tail)
            tail += _laid_out(below[tag.number], below, order, place)
            values, kind, count = struct.pack(order + "I", place), 4, 1
        elif len(values) > 4:
            place = start + len(tail)
            tail += values
            values = struct.pack(order + "I", place)
        tail += bytes(len(tail) % 2)
        entries += struct.pack(order + "HHI", tag.number, kind, count) + values.ljust(4, b"\x00")
    return struct.pack(order + "H", len(tags)) + entries + bytes(4) + tail


def _classic(tag: Tag) -> Tag:
    """With the kinds that BigTIFF alone has turned into those of TIFF."""
    if tag.kind not in _CLASSIC:
        return tag
    kind, code = _CLASSIC[tag.kind]
    numbers = struct.unpack(f"<{tag.count}{_NUMBERS[tag.kind]}", tag.values)
    limited = [min(number, 2**32 - 1 if code == "I" else 2**31 - 1) for number in numbers]
    return Tag(tag.number, kind, tag.count, struct.pack(f"<{tag.count}{code}", *limited))


def _swapped(values: bytes, kind: int) -> bytes:
    """With each number's bytes the other way round."""
    code = _NUMBERS.get(kind)
    if code is None:
        return values
    count = len(values) // struct.calcsize(code)
    return struct.pack(f">{count}{code}", *struct.unpack(f"<{count}{code}", values[: count * struct.calcsize(code)]))


def _without_statistics(tag: Tag) -> Tag:
    """GDAL's metadata without the old pixels' minimum, maximum and mean, by which viewers stretch contrast."""
    if tag.number != _GDAL_METADATA:
        return tag
    values = re.sub(rb"\s*<Item[^>]*name=\"STATISTICS_[^\"]*\"[^>]*>[^<]*</Item>", b"", tag.values)
    return Tag(tag.number, tag.kind, len(values), values)
