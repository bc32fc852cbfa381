"""AVIF files as older encoders wrote them, written anew so that libavif takes them.

libavif refuses files whose boxes break a rule of today, although their pictures are whole: alpha without its size, two
lists of properties, no list of channels. What such a file holds is put into boxes by the rules; the compressed pictures
stay as they are.

Standards: ISO/IEC 23008-12 (HEIF), 23000-22 (MIAF), AV1 specification 5.5 (sequence header).
"""

import struct
from collections.abc import Iterable

from cliphaze_cli.imaging.metadata import isobmff
from cliphaze_cli.imaging.metadata.isobmff import Container

_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00"
_ALPHA_NAMES = (_ALPHA.rstrip(b"\x00"), b"urn:mpeg:hevc:2015:auxid:1")
_PICTURES = (b"av01", b"grid")
_KEPT = {b"colr", b"irot", b"imir", b"clap", b"pasp"}
_ESSENTIAL = {b"av1C", b"irot", b"imir", b"clap"}
_SEQUENCE_HEADER = 1
_MOST_TILES = 1024
_PLACE = 18  # bytes for each item that tell where it lies


def repaired(data: bytes) -> bytes | None:
    """The file anew, or None if there is no picture of AV1 to be found in it."""
    container = isobmff.read(data)
    if container is None:
        return None
    try:
        return _written(container, data)
    except (ValueError, IndexError, struct.error):
        return None


def _written(container: Container, data: bytes) -> bytes | None:
    primary = container.primary if container.primary in container.items else min(container.items, default=0)
    if container.items.get(primary, isobmff.Item(b"")).kind not in _PICTURES:
        return None
    alphas = [source for kind, source, to in container.references if kind == b"auxl" and to == primary]
    alphas = [one for one in alphas if _is_alpha(container, one)][:1]
    pictures = _with_parts(container, [primary, *alphas])
    if len(pictures) > _MOST_TILES or len(container.references) > isobmff.MOST_ITEMS:
        return None
    others = [number for number, item in container.items.items() if item.kind in (b"Exif", b"mime")]
    contents = {number: _content(container, data, number) for number in (*pictures, *others)}
    if not all(contents[number] for number in pictures):
        return None
    properties: list[bytes] = []
    chosen = {number: list[tuple[int, bool]]() for number in pictures}
    alpha_pictures = set(_with_parts(container, alphas))
    for number in pictures:
        for kind, content in _properties(container, number, contents, number in alpha_pictures, number in alphas):
            properties.append(_box(kind, content))
            chosen[number].append((len(properties), kind in _ESSENTIAL))
    references = [
        (kind, source, to)
        for kind, source, to in container.references
        if kind in (b"dimg", b"auxl", b"prem") and source in pictures and to in pictures
    ]
    references += [(b"cdsc", number, primary) for number in others]
    return _file(container, primary, contents, b"".join(properties), chosen, references)


def _is_alpha(container: Container, number: int) -> bool:
    item = container.items.get(number, isobmff.Item(b""))
    return item.kind in _PICTURES and any(
        kind == b"auxC" and content[4:].startswith(_ALPHA_NAMES) for kind, content in item.properties
    )


def _with_parts(container: Container, numbers: Iterable[int]) -> list[int]:
    """The pictures and, of grids, their tiles."""
    found = dict.fromkeys(numbers)
    for kind, source, to in container.references:
        if kind == b"dimg" and source in found and container.items.get(to, isobmff.Item(b"")).kind == b"av01":
            found[to] = None
    return list(found)


def _content(container: Container, data: bytes, number: int) -> bytes:
    parts = container.extents.get(number, ())
    return b"".join(data[at : at + length] if length else data[at:] for at, length in parts)


def _properties(
    container: Container, number: int, contents: dict[int, bytes], of_alpha: bool, is_alpha: bool
) -> list[tuple[bytes, bytes]]:
    own = dict(reversed(container.items[number].properties))
    width, height = _size(container.items[number].kind, contents[number])
    stated = own.get(b"ispe", b"")[4:12]
    if stated and not of_alpha and stated != struct.pack(">II", width, height):
        raise ValueError("a size that is not the picture's")
    result = [(b"ispe", bytes(4) + struct.pack(">II", width, height))]
    if container.items[number].kind == b"av01":
        settings = own.get(b"av1C")
        if settings is None:
            raise ValueError("AV1 without its settings")
        result.append((b"av1C", settings))
    grey, bits = _channels(container, number)
    channels = 1 if of_alpha or grey else 3
    result.append((b"pixi", bytes(4) + bytes([channels]) + bytes([bits] * channels)))
    if is_alpha:
        result.append((b"auxC", bytes(4) + _ALPHA))
    return result + [(kind, content) for kind, content in container.items[number].properties if kind in _KEPT]


def _channels(container: Container, number: int) -> tuple[bool, int]:
    """(whether it is grey, bits of a sample) of a picture, or of a grid's first tile."""
    for one in _with_parts(container, [number]):
        for kind, content in container.items[one].properties:
            if kind == b"av1C" and len(content) >= 3:
                flags = content[2]
                return bool(flags & 0x10), 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    return False, 8


def _size(kind: bytes, content: bytes) -> tuple[int, int]:
    if kind == b"grid":
        code = ">II" if content[1] & 1 else ">HH"
        width, height = struct.unpack_from(code, content, 4)
        return width, height
    at = 0
    while at < len(content):
        head = content[at]
        at += 2 if head & 4 else 1
        size, at = _leb128(content, at) if head & 2 else (len(content) - at, at)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return _sequence_size(int.from_bytes(content[at : at + 64].ljust(64, b"\x00"), "big"))
        at += size
    raise ValueError("AV1 without sequence header")


def _leb128(content: bytes, at: int) -> tuple[int, int]:
    """(the number, where the next byte lies)."""
    value = 0
    for index in range(8):
        value |= (content[at + index] & 127) << 7 * index
        if not content[at + index] & 128:
            return value, at + index + 1
    raise ValueError("a number that is too long")


def _sequence_size(bits: int) -> tuple[int, int]:
    """Width and height of a sequence header, of which `bits` are the first 512."""
    left = 512

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & (1 << count) - 1

    take(4)  # profile, whether it is a still picture
    if take(1):  # the short header of stills
        take(5)
    else:
        if take(1):
            raise ValueError("AV1 with time")
        delays = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if delays and take(1):
                take(4)
    width_bits, height_bits = take(4) + 1, take(4) + 1
    return take(width_bits) + 1, take(height_bits) + 1


def _file(
    container: Container,
    primary: int,
    contents: dict[int, bytes],
    properties: bytes,
    chosen: dict[int, list[tuple[int, bool]]],
    references: list[tuple[bytes, int, int]],
) -> bytes:
    head = _box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    entries = b"".join(_entry(number, container.items[number].kind) for number in contents)
    related = b"".join(_box(kind, struct.pack(">IHI", source, 1, to)) for kind, source, to in _single(references))
    for source in dict.fromkeys(source for kind, source, _ in references if kind == b"dimg"):
        tiles = [to for kind, own, to in references if kind == b"dimg" and own == source]
        related += _box(b"dimg", struct.pack(f">IH{len(tiles)}I", source, len(tiles), *tiles))
    listed = b"".join(
        struct.pack(">IB", number, len(numbers))
        + b"".join(struct.pack(">H", one | (0x8000 if essential else 0)) for one, essential in numbers)
        for number, numbers in sorted(chosen.items())
    )
    parts = [
        _full(b"hdlr", bytes(4) + b"pict" + bytes(13)),
        _full(b"pitm", struct.pack(">I", primary), 1),
        _full(b"iinf", struct.pack(">I", len(contents)) + entries, 1),
        _full(b"iref", related, 1),
        _box(b"iprp", _box(b"ipco", properties) + _full(b"ipma", struct.pack(">I", len(chosen)) + listed, 1, 1)),
    ]
    # Version 2: numbers, offsets and lengths of four bytes, no base offsets.
    meta = 12 + sum(map(len, parts)) + 12 + 6 + _PLACE * len(contents)
    at, places = len(head) + meta + 8, b""
    for number, content in contents.items():
        places += struct.pack(">IHHH", number, 0, 0, 1) + struct.pack(">II", at, len(content))
        at += len(content)
    parts.append(_full(b"iloc", b"\x44\x00" + struct.pack(">I", len(contents)) + places, 2))
    return head + _full(b"meta", b"".join(parts)) + _box(b"mdat", b"".join(contents.values()))


def _single(references: list[tuple[bytes, int, int]]) -> list[tuple[bytes, int, int]]:
    return [one for one in references if one[0] != b"dimg"]


def _entry(number: int, kind: bytes) -> bytes:
    name = b"\x00application/rdf+xml\x00" if kind == b"mime" else b"\x00"
    return _full(b"infe", struct.pack(">IH", number, 0) + kind + name, 3)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + content)
