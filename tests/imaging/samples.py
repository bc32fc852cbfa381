"""Small made-up photos and metadata for the tests of imaging."""

import functools
import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from cliphaze_cli.imaging.photo import Photo

CASES = Path(__file__).parent / "cases"
"""Small files that went wrong once."""

MAKER_NOTE = b"maker note, whose place matters"


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """Random samples over the whole range of the type."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def smooth(height: int = 48, width: int = 64) -> np.ndarray:
    """(H, W, 3) uint8 gradients, which lossy formats keep well."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    return np.stack([40 + 2 * x, 60 + 3 * y, 200 - x - y], axis=2).astype(np.uint8)


@functools.cache  # the profile holds the time of its making
def icc_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cmyk_icc_profile() -> bytes:
    """A printing profile of the simplest kind: whatever the ink, a mid green, except white paper."""
    green, white = bytes([128, 64, 192]), bytes([255, 128, 128])  # Lab in 8 bits
    identity = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    table += identity * 4 + white + green * 15 + identity * 3
    tags, content = b"", b""
    elements = [(b"A2B0", table), (b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D))]
    start = 128 + 4 + 12 * len(elements)
    for name, element in elements:
        tags += name + struct.pack(">II", start + len(content), len(element))
        content += element.ljust(-(-len(element) // 4) * 4, b"\0")
    head = struct.pack(">I4sI4s4s4s", start + len(content), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", len(elements)) + tags + content


def grey_icc_profile() -> bytes:
    """The RGB profile's bytes, declared to be for grey."""
    profile = icc_profile()
    return profile[:16] + b"GRAY" + profile[20:]


def exif_block(orientation: int | None = None, order: str = "<", thumbnail: bool = False) -> bytes:
    """Camera make, orientation, and camera settings with a date and a maker note, laid out by hand."""
    entries = [(271, 2, 6, b"Camera")] + ([(274, 3, 1, orientation)] if orientation else []) + [(34665, 4, 1, b"sub")]
    start = 8 + 2 + 12 * len(entries) + 4
    make, sub = start, start + 6
    date_at, note_at = sub + 2 + 24 + 4, sub + 2 + 24 + 4 + 20
    next_at = note_at + len(MAKER_NOTE) if thumbnail else 0
    body = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, _ in entries:
        values = {271: struct.pack(order + "I", make), 34665: struct.pack(order + "I", sub)}
        body += struct.pack(order + "HHI", tag, kind, count)
        body += values.get(tag) or struct.pack(order + "HH", orientation, 0)
    body += struct.pack(order + "I", next_at) + b"Camera"
    body += struct.pack(order + "HHHIIHHIII", 2, 36867, 2, 20, date_at, 37500, 7, len(MAKER_NOTE), note_at, 0)
    body += b"2020:02:03 04:05:06\0" + MAKER_NOTE
    if thumbnail:
        body += struct.pack(order + "HHHII", 1, 259, 4, 1, 6) + bytes(4)
    return b"Exif\0\0" + body


def make_and_date(path_or_exif) -> tuple[str, str, bytes]:
    """(camera make, date, maker note) as Pillow finds them in a file or a block."""
    if isinstance(path_or_exif, bytes):
        tags = Image.Exif()
        tags.load(path_or_exif)
        settings = tags.get_ifd(34665)
    else:
        with Image.open(path_or_exif) as image:
            tags = image.getexif()
            settings = tags.get_ifd(34665)
    return tags[271], settings[36867], settings[37500]


EXPECTED = ("Camera", "2020:02:03 04:05:06", MAKER_NOTE)


def photo(pixels: np.ndarray, alpha: np.ndarray | None = None, *, grey: bool = False, **fields) -> Photo:
    return Photo(pixels, alpha, grey, **{"exif": None, "icc": None, "format": "PNG"} | fields)


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def xmp_packet(properties: str, attributes: str = "") -> bytes:
    """An XMP packet with these properties, elements and attributes of one description."""
    namespaces = {
        "dc": "http://purl.org/dc/elements/1.1/",
        "drone-dji": "http://www.dji.com/drone-dji/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "GCamera": "http://ns.google.com/photos/1.0/camera/",
    }
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def xmp_in(path: Path) -> bytes:
    """The XMP packet that Pillow finds in a file."""
    with Image.open(path) as image:
        image.load()
        packet = image.tag_v2.get(700) if image.format == "TIFF" else image.info.get("xmp")  # type: ignore[attr-defined]
        return packet.encode() if isinstance(packet, str) else packet or b""
