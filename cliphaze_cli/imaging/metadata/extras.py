"""What files that Pillow decodes say besides their pixels, as found: format by format."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from PIL import Image

from cliphaze_cli.imaging.metadata import colour_label, exif, isobmff, jpeg_quality, jpeg_segments, tiff_tags, webp_info
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel
from cliphaze_cli.imaging.metadata.png_chunks import PngFile
from cliphaze_cli.imaging.metadata.tiff_tags import Tag

COMMENT = "Comment"
"""PNG's keyword for what JPEG has as its comment."""


@dataclass
class Extras:
    """exif, xmp: as the file has them, not cleaned yet; orientation: where something else than these decides it; crop:
    (left, top, right, bottom) of stored pixels; the rest as in `Photo`."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: list[tuple[str, str]] = field(default_factory=list)
    colour: ColourLabel | None = None
    tags: tuple[Tag, ...] = ()
    orientation: int | None = None
    crop: tuple[int, int, int, int] | None = None
    lossless: bool = False
    quality: int | None = None
    notices: list[str] = field(default_factory=list)


def of_png(png: PngFile) -> Extras:
    """Of a PNG file."""
    frames = [f"first of {png.frames} frames used"] if png.frames > 1 else []
    return Extras(png.exif, png.xmp, png.iptc, png.texts, png.colour, notices=[*frames, *png.notices])


def of_image(image: Image.Image, stream: BinaryIO) -> Extras:
    """Of a file of any other format, that Pillow has loaded from `stream`."""
    take = _BY_FORMAT.get(str(image.format))
    return Extras() if take is None else take(image, stream)


def _whole(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read()


def _jpeg(image: Image.Image, stream: BinaryIO) -> Extras:
    found = jpeg_segments.read(_whole(stream))
    texts = [(COMMENT, found.comment.decode("utf-8", "replace"))] if found.comment else []
    steps = getattr(image, "quantization", {}).get(0)  # of brightness, by custom
    quality = jpeg_quality.quality_of(steps) if steps else None
    return Extras(_bytes(image, "exif"), found.xmp, found.iptc, texts, quality=quality, notices=list(found.notices))


def _webp(image: Image.Image, stream: BinaryIO) -> Extras:
    data = _whole(stream)
    return Extras(
        _bytes(image, "exif"),
        _bytes(image, "xmp"),
        lossless=webp_info.is_lossless(data),
        quality=webp_info.quality_of(data),
    )


def _heif(image: Image.Image, stream: BinaryIO) -> Extras:
    data = _whole(stream)
    container = isobmff.read(data)
    result = Extras(xmp=_bytes(image, "xmp"), orientation=1)
    if image.format == "AVIF":  # libheif turns and crops by itself
        stated = image.getexif().get(exif.ORIENTATION)
        result.orientation = exif.valid_orientation(stated)
    if container is None:
        result.exif = _bytes(image, "exif")
        return result
    result.exif = _exif_item(container, data)
    result.colour = colour_label.of_cicp(*container.cicp) if container.cicp else None
    result.notices += container.notices()
    if image.format == "AVIF":
        result.crop = container.crop(image.width, image.height)
    return result


def _tiff(image: Image.Image, stream: BinaryIO) -> Extras:
    found = tiff_tags.read(stream)
    # Pillow has turned the pixels.
    return Extras(found.exif, found.xmp, found.iptc, tags=found.extra, orientation=1, notices=found.notices)


def _exif_item(container: isobmff.Container, data: bytes) -> bytes | None:
    """EXIF as the file has it: Pillow writes it anew where it states another orientation than the container."""
    for number, item in container.items.items():
        if item.kind == b"Exif":
            block = b"".join(data[at : at + length] for at, length in container.extents.get(number, ()))
            skipped = int.from_bytes(block[:4], "big")
            return exif.PREFIX + exif.without_prefix(block[4 + skipped :]) if len(block) > 4 + skipped else None
    return None


def _bytes(image: Image.Image, key: str) -> bytes | None:
    value = image.info.get(key)
    return value if isinstance(value, bytes) and value else None


_BY_FORMAT: dict[str, Callable[[Image.Image, BinaryIO], Extras]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,
    "WEBP": _webp,
    "AVIF": _heif,
    "HEIF": _heif,
    "TIFF": _tiff,
}
