"""What lies in a JPEG file around its picture: XMP, IPTC, comments, and what is appended to the file.

Standard: ITU-T T.81 annex B (markers), XMP specification part 3 (extended XMP), CIPA DC-007 (multi-picture files).
"""

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from cliphaze_cli.imaging.metadata import photoshop, xmp

_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\x00"
_LONGEST = 65_533  # bytes in a segment
_PIECE = 65_000
_APP0, _APP1, _APP13, _COMMENT, _START_OF_SCAN = 0xE0, 0xE1, 0xED, 0xFE, 0xDA
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END_OF_IMAGE = b"\xff\xd9"
_DULL_TRAILER = 64  # bytes: what less than that may be is nobody's loss

# How segments begin that are dropped -> what to say. Thermal cameras (FLIR, DJI) store temperatures so.
_DROPPED = {
    (0xE1, b"FLIR\x00"): "thermal data (FLIR, APP1) dropped",
    (0xE2, b"urn:iso:std:iso:ts:21496"): xmp.GAIN_MAP_DROPPED,
    (0xEB, b"JP"): "content credentials (C2PA) dropped: they vouch for the unchanged picture",
    (0xEF, b"Q\x00"): "",
}
_MAY_BE_THERMAL = (0xE3, 0xE4, 0xE5, 0xE6, 0xE7)


@dataclass(frozen=True)
class JpegExtras:
    """xmp: the packet, extended XMP merged in; iptc: the IPTC-IIM block; comment: the text of COM segments, as bytes;
    notices: what else the file holds, which is dropped."""

    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    notices: tuple[str, ...] = ()


@dataclass
class _Found:
    packet: bytes | None = None
    pieces: dict[bytes, dict[int, bytes]] = field(default_factory=dict)
    resources: bytes = b""
    comments: list[bytes] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def say(self, notice: str) -> None:
        if notice and notice not in self.notices:
            self.notices.append(notice)


def read(data: bytes) -> JpegExtras:
    """What a JPEG file holds besides its picture, EXIF and ICC. Never raises: damaged parts are told and left out."""
    found = _Found()
    end = 2
    for marker, content, end in _segments(data):  # noqa: B007 - the end of the last one counts
        _take(found, marker, content)
    if not data.endswith(_END_OF_IMAGE):  # as all do to which nothing is appended; looking for the end takes a while
        _look_at_trailer(found, data, _end_of_picture(data, end))
    iptc, notices = photoshop.iptc_of(found.resources)
    for notice in notices:
        found.say(notice)
    return JpegExtras(
        xmp=_with_extension(found),
        iptc=iptc,
        comment=b"\n".join(found.comments) or None,
        notices=tuple(found.notices),
    )


def unusual_kind(data: bytes) -> str | None:
    """ "12-bit", "lossless" ..., where the frame's header says that it is no usual JPEG."""
    for marker, content, _ in _segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and content:
            if marker in (0xC3, 0xC7, 0xCB, 0xCF):
                return "lossless"
            if content[0] != 8:
                return f"{content[0]}-bit"
            return "hierarchical" if marker in (0xC5, 0xC6, 0xCD, 0xCE) else None
        if marker == 0xF7:
            return "JPEG-LS, which is no"
    return None


def written(packet: bytes | None, iptc: bytes | None, comment: bytes | None) -> tuple[bytes, list[str]]:
    """(segments to put after the file's first ones, what did not fit).

    XMP longer than a segment becomes extended XMP.
    """
    segments, notices = [], []
    if packet:
        try:
            segments += _xmp_segments(packet)
        except ValueError:
            notices.append("XMP dropped: longer than JPEG can hold")
    if iptc:
        resources = photoshop.resources_of(iptc)
        pieces = [resources[at : at + _PIECE] for at in range(0, len(resources), _PIECE)]
        segments += [_segment(_APP13, photoshop.APP13 + piece) for piece in pieces]
    if comment:
        segments += [_segment(_COMMENT, comment[at : at + _PIECE]) for at in range(0, len(comment), _PIECE)]
    return b"".join(segments), notices


def _xmp_segments(packet: bytes) -> list[bytes]:
    longest = _LONGEST - len(_XMP)
    if len(packet) <= longest:
        return [_segment(_APP1, _XMP + packet)]
    main, extension = xmp.split(packet, longest - 400)
    if extension is None:
        return [_segment(_APP1, _XMP + main)]
    digest = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    segments = [_segment(_APP1, _XMP + xmp.with_extension_noted(main, digest))]
    for at in range(0, len(extension), _PIECE):
        head = _EXTENDED + digest.encode() + struct.pack(">II", len(extension), at)
        segments.append(_segment(_APP1, head + extension[at : at + _PIECE]))
    return segments


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(marker, content, where it ends) up to the start of the first scan; ends quietly where the data is damaged."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or at + 2 + length > len(data):
            return
        yield marker, data[at + 4 : at + 2 + length], at + 2 + length
        if marker == _START_OF_SCAN:
            return
        at += 2 + length


def _take(found: _Found, marker: int, content: bytes) -> None:
    if marker == _APP1 and content.startswith(_XMP):
        found.packet = found.packet or content[len(_XMP) :]
    elif marker == _APP1 and content.startswith(_EXTENDED):
        head = len(_EXTENDED)
        digest, place = content[head : head + 32], content[head + 32 : head + 40]
        if len(place) == 8:
            found.pieces.setdefault(digest, {})[struct.unpack(">II", place)[1]] = content[head + 40 :]
    elif marker == _APP13 and content.startswith(photoshop.APP13):
        found.resources += content[len(photoshop.APP13) :]
    elif marker == _COMMENT:
        found.comments.append(content.rstrip(b"\x00"))
    elif marker in _MAY_BE_THERMAL and len(content) > _DULL_TRAILER:
        found.say(f"camera data in APP{marker - _APP0} (thermal cameras keep temperatures there) dropped")
    else:
        for (kind, start), notice in _DROPPED.items():
            if marker == kind and content.startswith(start):
                found.say(notice)


def _with_extension(found: _Found) -> bytes | None:
    if found.packet is None:
        return None
    try:
        digest = (xmp.extension_of(found.packet) or "").encode()
        if not digest:
            return found.packet
        pieces = found.pieces.get(digest, {})
        whole = b"".join(pieces[at] for at in sorted(pieces))
        if hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() != digest.upper():
            found.say("extended XMP dropped: it is incomplete")
            return found.packet
        return xmp.merged(found.packet, whole)
    except ValueError:
        return found.packet  # told by whoever cleans it


def _end_of_picture(data: bytes, at: int) -> int:
    """Where the first picture ends, from the end of its first start of scan; the file's length if it does not."""
    while match := _NEXT_MARKER.search(data, at):
        marker = data[match.start() + 1]
        if marker == 0xD9:
            return match.end()
        if match.end() + 2 > len(data):
            break
        at = match.end() + struct.unpack_from(">H", data, match.end())[0]
    return len(data)


def _look_at_trailer(found: _Found, data: bytes, end: int) -> None:
    trailer = memoryview(data)[end:]
    if len(trailer) <= _DULL_TRAILER:
        return
    start = bytes(trailer[: 1 << 16])
    if b"MotionPhoto_Data" in start or re.search(rb"....ftyp(mp4|isom|iso|mp42|qt|M4V|avc|heic)", start, re.DOTALL):
        found.say(xmp.VIDEO_DROPPED)
    elif b"ftyp" in start[:16] or data[-4:] == b"SEFT":
        found.say("data that the camera appended to the picture dropped")
    elif start[:2] != b"\xff\xd8" and any(start):  # further pictures are told by whoever opens them
        found.say(f"{len(trailer)} bytes after the end of the picture dropped")
