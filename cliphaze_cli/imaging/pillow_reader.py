"""Decoding through Pillow: every format with up to 8 bits per sample."""

import functools
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, JpegImagePlugin

from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging import exif, icc
from cliphaze_cli.imaging.bitdepth import row_bands
from cliphaze_cli.imaging.formats import FORMATS
from cliphaze_cli.imaging.orientation import canvas
from cliphaze_cli.imaging.photo import Photo

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
    return Image.open(stream, formats=[name for name in FORMATS if heif or name != "HEIF"])


def decode(image: Image.Image, stream: BinaryIO) -> Photo:
    """All pixels and metadata of an image from `open_image`, through the same stream.

    Raises ImageError for kinds of samples that are not supported, and whatever Pillow raises on damaged data.
    """
    notices = [*_frames_notice(image)]
    image.load()
    image_format = "JPEG" if image.format == "MPO" else str(image.format)
    block, orientation, notice = _exif(image, stream)
    notices += notice
    mode, grey, transform, notice = _conversion(image)
    notices += notice
    profile, dropped = (
        (None, None) if image.mode in ("CMYK", "LAB") else icc.checked(image.info.get("icc_profile"), grey=grey)
    )
    notices += [dropped] if dropped else []
    bits = _stored_bits(image, stream)
    if bits > 8:
        notices.append(f"{bits}-bit {image_format} reduced to 8 bits")

    has_alpha = mode.endswith("A")
    shape = (image.height, image.width)
    pixels, stored = canvas((*shape, 3), np.uint8, orientation)
    alpha, stored_alpha = canvas(shape, np.uint8, orientation) if has_alpha else (None, None)
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
        block,
        profile,
        image_format,
        tuple(notices),
        _dpi(image),
        half_chroma=image_format == "JPEG" and JpegImagePlugin.get_sampling(image) == _HALF_CHROMA,
    )


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
    return [f"first of {count} {'pages' if image.format == 'TIFF' else 'frames'} used"]


def _exif(image: Image.Image, stream: BinaryIO) -> tuple[bytes | None, int, list[str]]:
    """(block to save, orientation, notices). The orientation may come from XMP too, which is not kept."""
    orientation = 1
    try:
        tags = image.getexif()  # after loading: of TIFF, Pillow itself turns the pixels then, and removes the tag here
        orientation = exif.valid_orientation(tags.get(exif.ORIENTATION))
        if image.format == "TIFF":
            return exif.from_tiff(stream), orientation, []
        block = image.info.get("exif") or (tags.tobytes() if set(tags) - {exif.ORIENTATION} else None)
        return exif.cleaned(block) if block else None, orientation, []
    except Exception:  # noqa: BLE001 - damaged EXIF makes Pillow raise nearly anything, and must not cost the photo
        return None, orientation, ["damaged EXIF dropped"]


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
