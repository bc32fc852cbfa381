"""From a photo to the bytes of one format."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.imaging import icc, png_writer, tiff_writer
from cliphaze_cli.imaging.atomic import ByteSink
from cliphaze_cli.imaging.bitdepth import luma, to_8bit
from cliphaze_cli.imaging.formats import Format
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.pillow_reader import register_heif

_JPEG_EXIF_LIMIT = 65_533
_FULL_CHROMA_FROM = 90  # at such qualities, halved colour resolution would be the largest error


def encode(sink: ByteSink, photo: Photo, target: Format, quality: int | None) -> tuple[str, ...]:
    """Writes `photo` in the format `target`; returns what the format could not hold, a short phrase each.

    Raises ValueError where the format cannot hold the photo at all, and whatever encoders raise.
    """
    height, width = photo.pixels.shape[:2]
    if max(height, width) > target.max_side:
        raise ValueError(f"{target.name} holds at most {target.max_side} pixels a side, not {width} x {height}")
    notices: list[str] = []
    profile, exif_block = _metadata(photo, target, notices)
    samples = _samples(photo, target, notices)
    chosen = target.quality if quality is None else quality
    if target.name == "TIFF":
        tiff_writer.encode(sink, samples, exif_block=exif_block, profile=profile, dpi=photo.dpi)
    elif target.name == "PNG":
        png_writer.encode(sink, samples, exif_block=exif_block, profile=profile, dpi=photo.dpi)
    else:
        options = _OPTIONS[target.name](chosen or 0)
        if target.name == "AVIF" and samples.ndim == 2:
            options["subsampling"] = "4:0:0"
        if target.name == "JPEG" and photo.half_chroma and quality is None:
            options["subsampling"] = "4:2:0"  # there is no more to keep, and it saves a sixth of the bytes
        if exif_block:
            options["exif"] = exif_block
        if profile:
            options["icc_profile"] = profile
        if photo.dpi and target.name in ("JPEG", "BMP"):
            options["dpi"] = photo.dpi
        _encode_with_pillow(sink, samples, target.name, options)
    return tuple(notices)


def _metadata(photo: Photo, target: Format, notices: list[str]) -> tuple[bytes | None, bytes | None]:
    """(ICC profile, EXIF block) as far as the target can hold them."""
    profile, exif_block = photo.icc, photo.exif
    if not target.metadata:
        if profile or exif_block:
            notices.append(f"{target.name} holds no EXIF and no colour profile; they are dropped")
        return None, None
    if profile and photo.grey and not target.grey and icc.colour_space(profile) == "GRAY":
        notices.append(f"colour profile for grey dropped: {target.name} stores colour")
        profile = None
    if exif_block and target.name == "JPEG" and len(exif_block) > _JPEG_EXIF_LIMIT:
        notices.append("EXIF dropped: longer than the 64 KB that JPEG can hold")
        exif_block = None
    return profile, exif_block


def _samples(photo: Photo, target: Format, notices: list[str]) -> NDArray[Any]:
    """(H, W) or (H, W, C): the channels and the depth that the target can hold."""
    pixels, alpha = photo.pixels, photo.alpha
    if alpha is not None and alpha.dtype != pixels.dtype:  # the pixels were replaced by ones of another depth
        alpha = to_8bit(alpha) if pixels.dtype == np.uint8 else alpha * np.uint16(257)
    if pixels.dtype == np.uint16 and not target.sixteen_bit:
        notices.append(f"16 bits reduced to 8: {target.name} holds no more")
        pixels, alpha = to_8bit(pixels), None if alpha is None else to_8bit(alpha)
    if alpha is not None and not target.alpha:
        notices.append(f"transparency dropped: {target.name} holds none")
        alpha = None
    if photo.grey and target.grey:
        pixels = luma(pixels)
    return pixels if alpha is None else np.dstack([pixels, alpha])


def _jpeg(quality: int) -> dict[str, Any]:
    return {"quality": quality, "subsampling": "4:4:4" if quality >= _FULL_CHROMA_FROM else "4:2:0"}


_OPTIONS: dict[str, Callable[[int], dict[str, Any]]] = {
    "JPEG": _jpeg,
    "WEBP": lambda quality: {"quality": quality, "method": 4, "exact": True},  # exact: colours under transparency too
    "BMP": lambda quality: {},
    "AVIF": _jpeg,
    "HEIF": lambda quality: {"quality": quality},
}


def _encode_with_pillow(sink: ByteSink, samples: NDArray[np.uint8], name: str, options: dict[str, Any]) -> None:
    if name == "HEIF":
        register_heif()
    image = Image.fromarray(np.ascontiguousarray(samples))
    image.save(sink, name, **options)  # type: ignore[arg-type]
