"""PNG files taken apart: what a decoder needs, and what the file says besides, whatever its depth.

Standard: PNG third edition; ImageMagick's "Raw profile type" texts, in which older files keep EXIF, IPTC and XMP.
Decoders see only the chunks they need: an odd or huge one that a photo can do without must not cost the photo.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cliphaze_cli.imaging.limits import MAX_METADATA
from cliphaze_cli.imaging.metadata import colour_label, icc, photoshop
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel

SIGNATURE = b"\x89PNG\r\n\x1a\n"
METRE = 0.0254
_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_CREDENTIALS = b"caBX"
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_LONGEST_TEXT = 2**20
_MOST_TEXTS = 1000
_XMP_KEYWORD = "XML:com.adobe.xmp"
_RAW = "Raw profile type "


@dataclass
class PngFile:
    """needed: a PNG file of the picture alone; others: the first chunk of each other kind; the rest as in `Photo`.

    exif: with the orientation still in it; texts: (keyword, text) of every text that is not one of these.
    """

    needed: bytes = b""
    others: dict[bytes, bytes] = field(default_factory=dict)
    exif: bytes | None = None
    iptc: bytes | None = None
    xmp: bytes | None = None
    texts: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Of an animation; 1 if it is none."""
        return int.from_bytes(self.others.get(b"acTL", b"\x00\x00\x00\x01")[:4], "big")

    @property
    def colour(self) -> ColourLabel | None:
        """What the file says of its colours besides an ICC profile."""
        return colour_label.of_png(self.others)

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Print resolution."""
        chunk = self.others.get(b"pHYs", b"")
        if len(chunk) != 9 or chunk[8] != 1:
            return None
        across, down, _ = struct.unpack(">IIB", chunk)
        return (across * METRE, down * METRE) if across and down else None

    def profile(self, *, grey: bool) -> tuple[bytes | None, str | None]:
        """(the ICC profile if it is usable, a notice if one was dropped)."""
        chunk = self.others.get(b"iCCP")
        if chunk is None:
            return None, None
        try:
            profile = _inflated(chunk[chunk.index(b"\x00") + 2 :], MAX_METADATA)
        except OverflowError:
            return None, f"colour profile (ICC) dropped: larger than {MAX_METADATA >> 20} MB"
        except (ValueError, zlib.error):
            profile = b"damaged"
        return icc.checked(profile, grey=grey)


def read(data: bytes) -> PngFile:
    """Take a whole file apart. Raises ValueError where it is cut off or altered; damage after the picture, and in
    chunks that it can do without, is told instead."""
    result = PngFile()
    needed: list[bytes | memoryview] = [SIGNATURE]
    picture = zlib.decompressobj()
    try:
        for kind, whole in _chunks(data):
            if kind in _NEEDED:
                needed.append(whole)
            elif kind in _TEXTS:
                _take_text(result, kind, bytes(whole[8:-4]))
            else:
                result.others.setdefault(kind, bytes(whole[8:-4]))
    except ValueError:
        # With the picture's data whole, what follows it may be as it likes.
        for one in needed[1:]:
            if bytes(one[4:8]) == b"IDAT" and not picture.eof:
                _discard(picture, one[8:-4])
        if not picture.eof:
            raise
        needed.append(b"\x00\x00\x00\x00IEND\xaeB`\x82")
        result.notices.append("damage after the picture: what follows it in the file dropped")
    result.needed = b"".join(needed)
    if b"eXIf" in result.others:
        result.exif = result.others[b"eXIf"]
    if _CREDENTIALS in result.others:
        result.notices.append("content credentials (C2PA) dropped: they vouch for the unchanged picture")
    return result


def chunk(kind: bytes, content: bytes) -> bytes:
    """A whole chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))


def texts_written(texts: tuple[tuple[str, str], ...], packet: bytes | None, iptc: bytes | None) -> Iterator[bytes]:
    """Chunks of texts, XMP and IPTC, as `read` takes them apart."""
    if packet:
        yield chunk(b"iTXt", _XMP_KEYWORD.encode() + b"\x00\x00\x00\x00\x00" + packet)
    if iptc:
        block = photoshop.resources_of(iptc)
        lines = re.sub("(.{72})", r"\1\n", block.hex())
        profile = f"\niptc\n{len(block):8d}\n{lines}\n".encode()
        yield chunk(b"zTXt", f"{_RAW}iptc".encode() + b"\x00\x00" + zlib.compress(profile))
    for keyword, text in texts:
        name = keyword.encode("latin-1", "replace")[:79]
        try:
            yield chunk(b"tEXt", name + b"\x00" + text.encode("latin-1"))
        except UnicodeEncodeError:
            yield chunk(b"iTXt", name + b"\x00\x00\x00\x00\x00" + text.encode())


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """(kind, whole chunk) of each chunk up to IEND. Raises ValueError where the file is cut off or altered."""
    view, at = memoryview(data), len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise ValueError("the file is cut off")
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("the file is cut off")
        kind = bytes(view[at + 4 : at + 8])
        intact = zlib.crc32(view[at + 4 : end - 4]) == struct.unpack_from(">I", data, end - 4)[0]
        if intact:
            yield kind, view[at:end]
        elif kind in _NEEDED or not kind.isalpha():
            raise ValueError(f"its {kind.decode('ascii', 'replace')} data is damaged")
        if kind == b"IEND":
            return
        at = end


def _take_text(result: PngFile, kind: bytes, content: bytes) -> None:
    name, _, rest = content.partition(b"\x00")
    keyword = name.decode("latin-1")
    try:
        text = _text_of(kind, rest)
    except OverflowError:
        result.notices.append(f"text {_shown(keyword)} dropped: larger than {MAX_METADATA >> 20} MB")
        return
    except (ValueError, IndexError, zlib.error):
        result.notices.append(f"damaged text {_shown(keyword)} dropped")
        return
    if keyword == _XMP_KEYWORD:
        result.xmp = result.xmp or text
    elif keyword.startswith(_RAW):
        _take_raw_profile(result, keyword[len(_RAW) :].strip().lower(), text)
    elif len(text) > _LONGEST_TEXT or len(result.texts) >= _MOST_TEXTS:
        result.notices.append(f"text {_shown(keyword)} dropped: longer than {_LONGEST_TEXT >> 20} MB, or one of many")
    else:
        result.texts.append((keyword, text.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")))


def _take_raw_profile(result: PngFile, name: str, text: bytes) -> None:
    """A block in hexadecimal: its name, its length, its bytes."""
    try:
        _, _, digits = text.strip().partition(b"\n")
        length, _, digits = digits.strip().partition(b"\n")
        block = bytes.fromhex(digits.decode("ascii"))[: int(length)]
    except ValueError:
        result.notices.append(f"damaged {name.upper()} dropped")
        return
    if name in ("exif", "app1") and block.startswith(b"Exif"):
        result.exif = result.exif or block
    elif name == "xmp" or block.startswith(b"http://ns.adobe.com/xap/1.0/\x00"):
        result.xmp = result.xmp or block.removeprefix(b"http://ns.adobe.com/xap/1.0/\x00")
    elif name == "iptc":
        found, _ = photoshop.iptc_of(block)
        result.iptc = found or (block if block[:1] == b"\x1c" else None)
    elif name not in ("icc", "icm", "8bim"):
        result.notices.append(f"profile {_shown(name)} dropped")


def _text_of(kind: bytes, rest: bytes) -> bytes:
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflated(rest[1:], MAX_METADATA)
    compressed = rest[0]
    _, _, text = rest[2:].split(b"\x00", 2)
    return _inflated(text, MAX_METADATA) if compressed else text


def _inflated(packed: bytes, longest: int) -> bytes:
    """Raises OverflowError beyond `longest` bytes, zlib.error if damaged."""
    unpacker = zlib.decompressobj()
    result = unpacker.decompress(packed, longest)
    if unpacker.unconsumed_tail:
        raise OverflowError
    return result


def _discard(unpacker: "zlib._Decompress", packed: bytes | memoryview) -> None:
    """Unpack without keeping anything. Raises ValueError if it is damaged."""
    tail: bytes | memoryview = packed
    try:
        while tail and not unpacker.eof:
            unpacker.decompress(tail, 1 << 20)
            tail = unpacker.unconsumed_tail
    except zlib.error:
        raise ValueError("its IDAT data is damaged") from None


def _shown(keyword: str) -> str:
    return ascii(keyword[:40])
