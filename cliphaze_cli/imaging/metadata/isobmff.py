"""What AVIF and HEIC files say of their primary picture in boxes that decoders keep to themselves.

Standards: ISO/IEC 14496-12 (boxes), 23008-12 (HEIF: items and properties), 23000-22 (MIAF: clap, nclx).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from cliphaze_cli.imaging.metadata import xmp

_LONGEST_META = 16 * 2**20
MOST_ITEMS = 65_536
_FULL_BOXES = {b"meta", b"iinf", b"iref", b"ipma", b"pitm", b"iloc", b"infe"}
_AUXILIARY = (
    (b"hdrgainmap", xmp.GAIN_MAP_DROPPED),
    (b"depth", "the depth map dropped"),
    (b"disparity", "the depth map dropped"),
    (b"matte", "the masks of people and sky dropped"),
)


@dataclass(frozen=True)
class Item:
    """A picture or block of data in the file: its kind ("av01", "Exif"), and its properties (type, content)."""

    kind: bytes
    properties: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class Container:
    """A file's items by number, which of them is the picture, and who refers to whom as (kind, from, to)."""

    primary: int
    items: dict[int, Item] = field(default_factory=dict)
    references: tuple[tuple[bytes, int, int], ...] = ()
    extents: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Where each item's bytes lie: (offset in the file, length) of its parts."""

    def properties_of(self, kind: bytes) -> list[bytes]:
        """The contents of the picture's properties of a kind."""
        item = self.items.get(self.primary, Item(b""))
        return [content for own, content in item.properties if own == kind]

    @property
    def cicp(self) -> tuple[int, int] | None:
        """(primaries, transfer) of the picture's nclx box, by H.273."""
        for colour in self.properties_of(b"colr"):
            if colour[:4] in (b"nclx", b"nclc") and len(colour) >= 8:
                return struct.unpack_from(">HH", colour, 4)
        return None

    def crop(self, width: int, height: int) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of the clean aperture of stored pixels, before they are turned; None if there is
        none, or none that lies within the picture."""
        for aperture in self.properties_of(b"clap"):
            if len(aperture) < 32:
                continue
            numbers = struct.unpack_from(">4I", aperture), struct.unpack_from(">iIiI", aperture, 16)
            (wide, wide_by, high, high_by), (across, across_by, down, down_by) = numbers
            if not (wide_by and high_by and across_by and down_by):
                continue
            new_width, new_height = round(wide / wide_by), round(high / high_by)
            left = int((width - 1) / 2 + across / across_by - (new_width - 1) / 2)
            top = int((height - 1) / 2 + down / down_by - (new_height - 1) / 2)
            box = (left, top, left + new_width, top + new_height)
            if new_width > 0 and new_height > 0 and left >= 0 and top >= 0 and box[2] <= width and box[3] <= height:
                return box
        return None

    def notices(self) -> list[str]:
        """What else the file holds beside its picture, which is dropped."""
        found = []
        for item in self.items.values():
            kinds = [content.lower() for own, content in item.properties if own == b"auxC"]
            found += [notice for word, notice in _AUXILIARY if any(word in kind for kind in kinds)]
            found += [xmp.GAIN_MAP_DROPPED] if item.kind == b"tmap" else []
        thumbnails = any(kind == b"thmb" and to == self.primary for kind, _, to in self.references)
        found += [xmp.THUMBNAIL_DROPPED] if thumbnails else []
        return list(dict.fromkeys(found))


def read(data: bytes) -> Container | None:
    """What the file's meta box says; None if it has none, or a damaged one: the picture may be whole."""
    try:
        for kind, start, end in boxes(data, 0, len(data)):
            if kind == b"meta":
                return _container(data, start + 4, min(end, start + _LONGEST_META))
    except (struct.error, IndexError, ValueError):
        pass
    return None


def relabelled(data: bytes, cicp: tuple[int, int]) -> bytes:
    """The file with other (primaries, transfer) in its nclx boxes. They are labels; the matrix, by which the picture
    is packed, stays."""
    result = bytearray(data)
    for _, start, end in deep(data, (b"meta", b"iprp", b"ipco", b"colr")):
        if data[start : start + 4] == b"nclx" and end - start >= 11:
            struct.pack_into(">HH", result, start + 4, *cicp)
    return bytes(result)


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start of the content, end) of each box in a range. Raises ValueError where one reaches beyond it."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            raise ValueError("a box that reaches beyond its place")
        yield kind, start + head, start + size
        start += size


def deep(
    data: bytes, path: tuple[bytes, ...], start: int = 0, end: int | None = None
) -> Iterator[tuple[bytes, int, int]]:
    """The boxes at a path of kinds, such as (b"meta", b"iprp"): (kind, start of the content, end) of each."""
    for kind, inside, stop in boxes(data, start, len(data) if end is None else end):
        if kind == path[0]:
            inner = inside + 4 * (kind in _FULL_BOXES)
            if len(path) == 1:
                yield kind, inner, stop
            else:
                yield from deep(data, path[1:], inner, stop)


def _container(data: bytes, start: int, end: int) -> Container:  # noqa: PLR0912 - one branch for each kind of box
    primary, kinds, all_properties = 0, dict[int, bytes](), list[tuple[bytes, bytes]]()
    chosen: dict[int, list[int]] = {}
    references: list[tuple[bytes, int, int]] = []
    extents: dict[int, tuple[tuple[int, int], ...]] = {}
    storage = None
    for kind, inside, stop in boxes(data, start, end):
        version = data[inside]
        if kind == b"pitm":
            primary = _number(data, inside + 4, 4 if version else 2)
        elif kind == b"idat":
            storage = inside
        elif kind == b"iinf":
            for _, at, last in boxes(data, inside + (8 if version else 6), stop):
                wide = data[at] >= 3
                kinds[_number(data, at + 4, 4 if wide else 2)] = data[at + (10 if wide else 8) : last][:4]
                if len(kinds) > MOST_ITEMS:
                    raise ValueError("too many items")
        elif kind == b"iref":
            references += _references(data, inside, stop, 4 if version else 2)
        elif kind == b"iprp":
            for part, at, last in boxes(data, inside, stop):
                if part == b"ipco":
                    all_properties += [(name, data[a:b]) for name, a, b in boxes(data, at, last)]
                elif part == b"ipma":
                    for item, numbers in _associations(data, at):
                        chosen.setdefault(item, []).extend(numbers)
    for kind, inside, _ in boxes(data, start, end):
        if kind == b"iloc":
            extents = _locations(data, inside, storage)
    items = {
        number: Item(
            kind,
            tuple(all_properties[one - 1] for one in chosen.get(number, []) if 0 < one <= len(all_properties)),
        )
        for number, kind in kinds.items()
    }
    return Container(primary, items, tuple(references), extents)


def _number(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise ValueError("a number beyond the end")
    return int.from_bytes(data[at : at + size], "big")


def _references(data: bytes, inside: int, stop: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, at, _ in boxes(data, inside + 4, stop):
        source, count = _number(data, at, size), _number(data, at + size, 2)
        for index in range(count):
            yield kind, source, _number(data, at + size + 2 + index * size, size)


def _associations(data: bytes, at: int) -> Iterator[tuple[int, list[int]]]:
    wide_items, wide_numbers = data[at] > 0, data[at + 3] & 1
    count = _number(data, at + 4, 4)
    at += 8
    for _ in range(min(count, MOST_ITEMS)):
        item = _number(data, at, 4 if wide_items else 2)
        at += 4 if wide_items else 2
        entries = data[at]
        size = 2 if wide_numbers else 1
        mask = 0x7FFF if wide_numbers else 0x7F
        yield item, [_number(data, at + 1 + index * size, size) & mask for index in range(entries)]
        at += 1 + entries * size


def _locations(data: bytes, at: int, storage: int | None) -> dict[int, tuple[tuple[int, int], ...]]:
    version = data[at]
    offset_size, length_size = data[at + 4] >> 4, data[at + 4] & 15
    base_size, index_size = data[at + 5] >> 4, data[at + 5] & 15 if version else 0
    count = _number(data, at + 6, 2 if version < 2 else 4)
    at += 8 if version < 2 else 10
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    for _ in range(min(count, MOST_ITEMS)):
        item = _number(data, at, 2 if version < 2 else 4)
        at += 2 if version < 2 else 4
        method = _number(data, at, 2) & 15 if version else 0
        at += (2 if version else 0) + 2
        base = _number(data, at, base_size) + (storage or 0 if method == 1 else 0)
        at += base_size
        parts = []
        many = _number(data, at, 2)
        at += 2
        for _ in range(many):
            at += index_size
            offset, length = _number(data, at, offset_size), _number(data, at + offset_size, length_size)
            at += offset_size + length_size
            parts.append((base + offset, length))
        if method in (0, 1):
            found[item] = tuple(parts)
    return found
