"""XMP packets as bytes: taking out what no longer holds, and leaving every other byte as it is.

Standard: ISO 16684-1 (the packet), XMP specification part 3 (JPEG's extended XMP). expat finds where properties lie,
and the bytes between are kept: an XML writer would rename prefixes, which careless readers look for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.parsers import expat

MAX_XMP = 16 * 2**20
"""Bytes of a packet beyond which it is dropped: parsing it takes a Python call for each of its elements."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_THUMBNAILS = ("http://ns.adobe.com/xap/1.0/", "Thumbnails")

VIDEO_DROPPED = "the video of a motion photo dropped"
GAIN_MAP_DROPPED = "the HDR gain map dropped"
THUMBNAIL_DROPPED = "the thumbnail of the unchanged photo dropped"
_ORIGINAL_DROPPED = "the unchanged picture inside its XMP dropped"

# Whole namespaces that describe what is not written again -> what to say.
_DROPPED_NAMESPACES = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": GAIN_MAP_DROPPED,
    "http://ns.apple.com/HDRGainMap/1.0/": GAIN_MAP_DROPPED,
    "http://ns.apple.com/pixeldatainfo/1.0/": GAIN_MAP_DROPPED,
    "http://ns.google.com/photos/1.0/image/": _ORIGINAL_DROPPED,
}
_VIDEO_NAMES = re.compile(r"^(MotionPhoto|MicroVideo|VideoLength$)")
_WIDTHS = {(_TIFF, "ImageWidth"), (_EXIF, "PixelXDimension")}
_HEIGHTS = {(_TIFF, "ImageLength"), (_EXIF, "PixelYDimension")}

_TAG = re.compile(rb"<[^<>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^<>\"']*)*>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=<>\"'/]+)\s*=\s*(\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True)
class Property:
    """A property at the top of a packet, as an attribute of rdf:Description or as an element in it.

    span: the bytes it takes, [start, end); value: those of its value without quotes and tags.
    """

    namespace: str
    name: str
    span: tuple[int, int]
    value: tuple[int, int]
    is_element: bool


@dataclass(frozen=True)
class Parsed:
    """A packet as UTF-8 with its properties in order, the namespaces by prefix, and the end of what rdf:RDF holds."""

    packet: bytes
    properties: tuple[Property, ...]
    namespaces: dict[str, str]
    rdf_content: tuple[int, int]


def parsed(packet: bytes) -> Parsed:
    """Find the properties of a packet. Raises ValueError if it is damaged, larger than MAX_XMP or declares entities."""
    if len(packet) > MAX_XMP:
        raise ValueError("XMP too large")
    return _Scan(_as_utf8(packet)).result()


def orientation_of(packet: bytes) -> int | None:
    """The orientation 1..8 that a packet states, if it states one. Raises what `parsed` raises."""
    scan = parsed(packet)
    for one in scan.properties:
        if (one.namespace, one.name) == (_TIFF, "Orientation"):
            text = scan.packet[slice(*one.value)].strip()
            return int(text) if text in {b"%d" % value for value in range(1, 9)} else None
    return None


def orientation_in_damaged(packet: bytes) -> int | None:
    """The orientation as it can be read from a packet that `parsed` refuses: other programs turn such photos too."""
    match = re.search(rb"tiff:Orientation(?:=[\"']|>)([1-8])\b", packet)
    return int(match[1]) if match else None


def cleaned(packet: bytes, width: int, height: int) -> tuple[bytes | None, list[str]]:
    """(the packet for a new file of upright pixels, what was dropped from it, a short phrase each).

    The orientation goes, as it is applied; width and height are set; thumbnails, and what describes a video, a gain map
    or another picture in the old file, go. None if no property is left. Raises what `parsed` raises.
    """
    scan = parsed(packet)
    edits: list[tuple[int, int, bytes]] = []
    notices: list[str] = []
    left = 0
    for one in scan.properties:
        key = (one.namespace, one.name)
        notice = _why_dropped(one, scan.packet)
        if notice is not None:
            edits.append((*one.span, b""))
            notices += [notice] if notice and notice not in notices else []
        elif key in _WIDTHS | _HEIGHTS:
            edits.append((*one.value, b"%d" % (width if key in _WIDTHS else height)))
            left += 1
        else:
            left += 1
    return (_edited(scan.packet, edits) if left else None), notices


def merged(packet: bytes, extension: bytes) -> bytes:
    """One packet of the two that JPEG's extended XMP consists of. Raises ValueError if they do not fit together."""
    main, more = parsed(packet), parsed(extension)
    declared = b"".join(
        b' xmlns:%b="%b"' % (prefix.encode(), uri.encode())
        for prefix, uri in more.namespaces.items()
        if prefix and not re.search(r'[<>&"]', uri)
    )
    # Descriptions of the second lean on namespaces declared around them, so each is told them all.
    inner = more.packet[slice(*more.rdf_content)]
    opening = re.compile(rb"<([^\s<>/:]+:)?Description(?=[\s/>])")
    at = main.rdf_content[1]

    def declare(match: "re.Match[bytes]") -> bytes:
        tag = _TAG.match(inner, match.start())
        own = set(re.findall(rb"xmlns:([^\s=]+)\s*=", tag[0])) if tag else set()
        missing = re.findall(rb' xmlns:[^\s=]+="[^"]*"', declared)
        return match[0] + b"".join(one for one in missing if one[7 : one.index(b"=")] not in own)

    result = main.packet[:at] + opening.sub(declare, inner) + main.packet[at:]
    parsed(result)
    return result


def split(packet: bytes, longest: int) -> tuple[bytes, bytes | None]:
    """(a packet of at most `longest` bytes, a second one with the properties that did not fit, or None).

    The largest properties move. Raises ValueError if even that does not help, or what `parsed` raises.
    """
    if len(packet) <= longest:
        return packet, None
    scan = parsed(re.sub(rb"\s+(?=<\?xpacket end)", b"\n", packet))
    size = len(scan.packet)
    moved: list[Property] = []
    for one in sorted((one for one in scan.properties if one.is_element), key=lambda one: one.span[0] - one.span[1]):
        if size <= longest:
            break
        moved.append(one)
        size -= one.span[1] - one.span[0]
    if size > longest:
        raise ValueError("XMP does not fit")
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in scan.namespaces.items() if prefix)
    wanted = "" if _RDF in scan.namespaces.values() and "rdf" in scan.namespaces else f' xmlns:rdf="{_RDF}"'
    body = b"".join(scan.packet[slice(*one.span)] for one in sorted(moved, key=lambda one: one.span))
    extension = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF{wanted}{declared}><rdf:Description rdf:about="">'
        if "x" not in scan.namespaces
        else f'<x:xmpmeta{wanted}{declared}><rdf:RDF><rdf:Description rdf:about="">'
    ).encode() + body
    extension += b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    parsed(extension)
    return _edited(scan.packet, [(*one.span, b"") for one in moved]), extension


def with_extension_noted(packet: bytes, digest: str) -> bytes:
    """The packet with xmpNote:HasExtendedXMP, which names a second one by the MD5 of it in 32 hexadecimal digits."""
    scan = parsed(packet)
    at = scan.rdf_content[1]
    prefix = next((prefix for prefix, uri in scan.namespaces.items() if uri == _RDF), "rdf")
    note = f'<{prefix}:Description {prefix}:about="" xmlns:xmpNote="{_NOTE}" xmpNote:HasExtendedXMP="{digest}"/>'
    return scan.packet[:at] + note.encode() + scan.packet[at:]


def extension_of(packet: bytes) -> str | None:
    """The digest by which a packet names its extension, if it has one. Raises what `parsed` raises."""
    scan = parsed(packet)
    for one in scan.properties:
        if (one.namespace, one.name) == (_NOTE, "HasExtendedXMP"):
            return scan.packet[slice(*one.value)].decode("ascii", "replace").strip()
    return None


def _why_dropped(one: Property, packet: bytes) -> str | None:
    """What to say of a property that does not hold any more, perhaps nothing (""); None if it stays."""
    key = (one.namespace, one.name)
    if key in ((_TIFF, "Orientation"), (_NOTE, "HasExtendedXMP")):
        return ""
    if key == _THUMBNAILS:
        return THUMBNAIL_DROPPED
    if one.namespace == _CONTAINER:  # lists what is appended to the file; each kind is told where it is met
        listed = packet[slice(*one.span)]
        return VIDEO_DROPPED if b"MotionPhoto" in listed else GAIN_MAP_DROPPED if b"GainMap" in listed else ""
    if _VIDEO_NAMES.match(one.name):
        # Cameras also state that a photo is none, as "0".
        return "" if packet[slice(*one.value)].strip() in (b"0", b"False", b"false") else VIDEO_DROPPED
    return _DROPPED_NAMESPACES.get(one.namespace)


def _edited(packet: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    parts, at = [], 0
    for start, end, replacement in sorted(edits):
        parts += [packet[at:start], replacement]
        at = end
    return b"".join([*parts, packet[at:]])


def _as_utf8(packet: bytes) -> bytes:
    body = packet.strip(b"\x00") if packet[:1] != b"\x00" else packet
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"<\x00", "utf-16-le")):
        if packet.startswith(mark):
            return packet.decode(encoding, "strict").encode()
    if packet.startswith(b"\x00<"):
        return packet.decode("utf-16-be").encode()
    return body.removeprefix(b"\xef\xbb\xbf").strip()


class _Scan:
    """expat's events over one packet; only what lies in rdf:RDF/rdf:Description counts as a property."""

    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._properties: list[Property] = []
        self._namespaces: dict[str, str] = {}
        self._path: list[str] = []
        self._open: tuple[int, int, bool] | None = None  # (start, start of the value, whether it is an empty element)
        self._rdf: tuple[int, int] | None = None
        self._parser = parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartNamespaceDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = _refuse

    def result(self) -> Parsed:
        try:
            self._parser.Parse(self._packet, True)
        except expat.ExpatError as error:
            raise ValueError(f"damaged XMP: {error}") from None
        if self._rdf is None:
            raise ValueError("XMP without rdf:RDF")
        return Parsed(self._packet, tuple(self._properties), self._namespaces, self._rdf)

    @property
    def _in_description(self) -> bool:
        return self._path[-2:] == [f"{_RDF} RDF", f"{_RDF} Description"] and len(self._path) <= 3

    def _declared(self, prefix: str | None, uri: str) -> None:
        self._namespaces.setdefault(prefix or "", uri)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        tag = self._tag(start)
        if self._in_description:
            self._open = (start, start + len(tag), tag.endswith(b"/>"))
        self._path.append(name)
        if name == f"{_RDF} RDF" and self._rdf is None:
            self._rdf = (start + len(tag), start + len(tag))
        elif self._in_description:
            self._properties += self._attributes(start, tag)

    def _end(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        self._path.pop()
        if name == f"{_RDF} RDF" and self._rdf is not None and self._rdf[1] == self._rdf[0]:
            self._rdf = (self._rdf[0], max(at, self._rdf[0]))
        if self._open is not None and self._in_description:
            start, value, empty = self._open
            end = value if empty else at + len(self._tag(at))
            namespace, _, local = name.rpartition(" ")
            self._properties.append(Property(namespace, local, (start, end), (value, value if empty else at), True))
            self._open = None

    def _tag(self, at: int) -> bytes:
        match = _TAG.match(self._packet, at)
        if match is None:
            raise ValueError("damaged XMP: a tag without end")
        return match[0]

    def _attributes(self, start: int, tag: bytes) -> Iterator[Property]:
        for match in _ATTRIBUTE.finditer(tag):
            prefix, colon, local = match[1].decode("utf-8", "replace").partition(":")
            if colon and prefix not in ("xmlns", "xml"):
                namespace = self._namespaces.get(prefix, "")
                if namespace != _RDF:
                    span, value = match.span(), match.span(2)
                    yield Property(
                        namespace,
                        local,
                        (start + span[0], start + span[1]),
                        (start + value[0] + 1, start + value[1] - 1),
                        False,
                    )


def _refuse(*_: object) -> None:
    raise ValueError("XMP that declares a document type")
