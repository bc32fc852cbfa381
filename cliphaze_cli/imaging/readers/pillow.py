"""Decoding through Pillow: every format with up to 8 bits per sample."""

import functools
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, JpegImagePlugin

from cliphaze_cli.imaging.bitdepth import row_bands
from cliphaze_cli.imaging.formats import FORMATS
from cliphaze_cli.imaging.metadata import icc
from cliphaze_cli.imaging.metadata.carried import carried
from cliphaze_cli.imaging.metadata.extras import of_image, of_png
from cliphaze_cli.imaging.metadata.png_chunks import PngFile
from cliphaze_cli.imaging.orientation import canvas
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.system.errors import ImageError

# Stored modes -> the mode to decode to, when there is no transparency. Others are refused.
_TARGET = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB",
    "RGBA": "RGBA", "RGBa": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB",
}  # fmt: skip
_NOTICES = {
    "1": "1-bit image widened to 8-bit grey",
    "P": "palette image converted to RGB",
    "PA": "palette image converted to RGB",
}
_HALF_CHROMA = 2  # Pillow's number for 4:2:0


@functools.cache
def register_heif() -> None:
    """Teaches Pillow HEIC/HEIF. Raises ImportError if pillow-heif is not installed."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def open_image(stream: BinaryIO) -> Image.Image:
    """The header of an image in one of `FORMATS`, by its content. Raises what Pillow raises."""
    stream.seek(0)
    heif = stream.read(12)[4:8] == b"ftyp"
    if heif:
        register_heif()
    stream.seek(0)
    known = [name for name in (*FORMATS, "DIB") if heif or name != "HEIF"]
    return Image.open(stream, formats=known)


def decode(image: Image.Image, stream: BinaryIO, png: PngFile | None = None) -> Photo:
    """All pixels and metadata of an image from `open_image`, through the same stream.

    png: what else lies in the file, if it is a PNG, of which the stream holds the picture alone. Raises ImageError for
    kinds of samples that are not supported, and whatever Pillow raises on damaged data.
    """
    notices = [*_frames_notice(image)]
    image.load()
    source, image_format = image, {"MPO": "JPEG", "DIB": "BMP"}.get(str(image.format), str(image.format))
    found = of_image(image, stream) if png is None else of_png(png)
    notices += found.notices
    bits = _stored_bits(image, stream)
    if found.crop is not None:
        image = image.crop(found.crop)
    kept = carried(found.exif, found.xmp, image.width, image.height, orientation=found.orientation)
    notices += kept.notices
    mode, grey, transform, notice = _conversion(image)
    notices += notice
    converted = image.mode in ("CMYK", "LAB")
    profile, dropped = (None, None) if converted else _checked_profile(source, png, grey)
    notices += [dropped] if dropped else []
    if bits > 8:
        notices.append(f"{bits}-bit {image_format} reduced to 8 bits")

    has_alpha = mode.endswith("A")
    shape = (image.height, image.width)
    pixels, stored = canvas((*shape, 3), np.uint8, kept.orientation)
    alpha, stored_alpha = canvas(shape, np.uint8, kept.orientation) if has_alpha else (None, None)
    # By bands, since Pillow would hold a second and third copy of everything for a conversion and an export.
    for rows in row_bands(image.height, 4 * image.width):
        part = image.crop((0, rows.start, image.width, rows.stop))
        part = transform(part) if transform else part
        band = np.asarray(part if part.mode == mode else part.convert(mode))
        stored[rows] = band[..., :3] if mode.startswith("RGB") else band.reshape(*band.shape[:2], -1)[..., :1]
        if stored_alpha is not None:
            stored_alpha[rows] = band[..., -1]
    return Photo(
        pixels,
        alpha,
        grey,
        kept.exif,
        profile,
        image_format,
        tuple(dict.fromkeys(notices)),
        _dpi(source) if png is None else png.dpi,
        half_chroma=image_format == "JPEG" and JpegImagePlugin.get_sampling(source) == _HALF_CHROMA,
        xmp=kept.xmp,
        iptc=found.iptc,
        texts=tuple(found.texts),
        colour=None if converted else found.colour,
        tags=found.tags,
        lossless=found.lossless,
        quality=found.quality,
    )


def _checked_profile(image: Image.Image, png: PngFile | None, grey: bool) -> tuple[bytes | None, str | None]:
    return icc.checked(image.info.get("icc_profile"), grey=grey) if png is None else png.profile(grey=grey)


def _stored_bits(image: Image.Image, stream: BinaryIO) -> int:
    """Bits per sample in the file; Pillow hands out 8 of them."""
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return max(bits) if isinstance(bits, tuple) else int(bits)
    if image.format == "AVIF":
        stream.seek(0)
        _, box, settings = stream.read(1 << 16).partition(b"av1C")
        flags = settings[2] if box and len(settings) > 2 else 0
        return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    return int(image.info.get("bit_depth", 8))


def _frames_notice(image: Image.Image) -> list[str]:
    try:
        count = getattr(image, "n_frames", 1)
    except (OSError, SyntaxError, ValueError, EOFError, KeyError):  # a damaged chain of frames; the first may be whole
        return []
    if count <= 1:
        return []
    if image.format == "MPO":
        return [f"first of {count} pictures used; the file's previews or gain maps are dropped"]
    if image.format == "HEIF":
        return [f"the primary one of {count} pictures used"]
    return [f"first of {count} {'pages' if image.format == 'TIFF' else 'frames'} used"]


def _profile(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None


def _conversion(image: Image.Image) -> tuple[str, bool, Any, list[str]]:
    """(mode to decode to, whether that is grey, a transform to apply first or None, notices)."""
    mode = image.mode
    if mode not in _TARGET:
        raise ImageError(f"samples of kind {mode} are not supported; save it with 8 or 16 bits per channel")
    target = _TARGET[mode]
    if image.has_transparency_data and not target.endswith("A"):
        target = "LA" if target == "L" and mode != "1" else "RGBA"
    grey = target.startswith("L") or mode == "1"
    if mode in ("CMYK", "LAB"):
        transform = icc.srgb_transform(_profile(image), mode)
        if transform is None and mode == "LAB":
            raise ImageError("Lab colours cannot be converted here; save it as RGB")
        how = "" if transform or not _profile(image) else " without its colour profile, which is damaged"
        return target, False, transform and transform.apply, [f"{mode} converted to sRGB{how}"]
    return target, grey, None, [_NOTICES[mode]] if mode in _NOTICES else []


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 2 <= across <= 65_535 and 2 <= down <= 65_535 else None  # 1: an aspect ratio
