"""From a photo to the bytes of one format."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.imaging.bitdepth import luma, to_8bit
from cliphaze_cli.imaging.formats import Format
from cliphaze_cli.imaging.metadata import isobmff
from cliphaze_cli.imaging.metadata.packed import metadata_for
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.readers.pillow import register_heif
from cliphaze_cli.imaging.writers import png, tiff
from cliphaze_cli.system.atomic_file import ByteSink

_UNSPECIFIED, _STRAIGHT_ALPHA = 0, 2  # TIFF's kinds of channels
_LOSSLESS_EFFORT = 70  # of WebP, 0..100
_LEAST_QUALITY = 75  # haze hides losses, which dehazing brings out
_FULL_CHROMA_FROM = 90  # at such qualities, halved colour resolution would be the largest error


def encode(sink: ByteSink, photo: Photo, target: Format, quality: int | None) -> tuple[str, ...]:
    """Writes `photo` in the format `target`; returns what the format could not hold, a short phrase each.

    Raises ValueError where the format cannot hold the photo at all, and whatever encoders raise.
    """
    height, width = photo.pixels.shape[:2]
    if max(height, width) > target.max_side:
        raise ValueError(f"{target.name} holds at most {target.max_side} pixels a side, not {width} x {height}")
    packed, notices = metadata_for(photo, target)
    samples, extras = _samples(photo, target, notices)
    if target.name == "TIFF":
        tiff.encode(sink, samples, packed, extras=extras)
    elif target.name == "PNG":
        png.encode(
            sink, samples, exif_block=packed.exif, profile=packed.icc, dpi=packed.dpi, chunks=packed.png_chunks()
        )
    else:
        options = _options(photo, target, quality, samples)
        options.update(packed.pillow_options(target.name))
        _encode_with_pillow(sink, samples, target.name, options, packed.cicp)
    return tuple(dict.fromkeys(notices))


def _options(photo: Photo, target: Format, quality: int | None, samples: NDArray[Any]) -> dict[str, Any]:
    """How Pillow is to compress."""
    chosen = (target.quality or 0) if quality is None else quality
    as_the_source = quality is None and photo.format == target.name
    if as_the_source and target.name == "WEBP" and photo.lossless:
        return {"lossless": True, "method": 4, "quality": _LOSSLESS_EFFORT, "exact": True}
    if as_the_source and photo.quality is not None:  # more would only store the source's own losses with care
        chosen = min(chosen, max(photo.quality, _LEAST_QUALITY))
    options = _OPTIONS[target.name](chosen)
    if target.name == "AVIF" and samples.ndim == 2:
        options["subsampling"] = "4:0:0"
    if as_the_source and target.name == "JPEG":
        # Where colour has half the resolution there is no more to keep, and a sixth of the bytes is saved.
        options["subsampling"] = "4:2:0" if photo.half_chroma else "4:4:4"
    return options


def _samples(photo: Photo, target: Format, notices: list[str]) -> tuple[NDArray[Any], tuple[int, ...]]:
    """((H, W) or (H, W, C): the channels and the depth that the target can hold, the TIFF kinds of those that are no
    colours)."""
    pixels = photo.pixels
    alpha, bands = (None if one is None else _of_depth(one, pixels.dtype) for one in (photo.alpha, photo.bands))
    if pixels.dtype == np.uint16 and not target.sixteen_bit:
        notices.append(f"16 bits reduced to 8: {target.name} holds no more")
        pixels, alpha = to_8bit(pixels), None if alpha is None else to_8bit(alpha)
    if alpha is not None and not target.alpha:
        notices.append(f"transparency dropped: {target.name} holds none")
        alpha = None
    if bands is not None and target.name != "TIFF":
        notices.append(f"channels that are neither colour nor alpha dropped: {target.name} holds none")
        bands = None
    if photo.grey and target.grey:
        pixels = luma(pixels)
    parts = [one for one in (pixels, alpha, bands) if one is not None]
    kinds = (_STRAIGHT_ALPHA,) * (alpha is not None) + (_UNSPECIFIED,) * (0 if bands is None else bands.shape[2])
    return (pixels if len(parts) == 1 else np.dstack(parts)), kinds


def _of_depth(samples: NDArray[Any], dtype: "np.dtype[Any]") -> NDArray[Any]:
    """Alpha or bands in the depth of the pixels, which may have been replaced by ones of another."""
    if samples.dtype == dtype:
        return samples
    return to_8bit(samples) if dtype == np.uint8 else samples * np.uint16(257)


def _jpeg(quality: int) -> dict[str, Any]:
    return {"quality": quality, "subsampling": "4:4:4" if quality >= _FULL_CHROMA_FROM else "4:2:0"}


_OPTIONS: dict[str, Callable[[int], dict[str, Any]]] = {
    "JPEG": _jpeg,
    "WEBP": lambda quality: {"quality": quality, "method": 4, "exact": True},  # exact: colours under transparency too
    "BMP": lambda quality: {},
    "AVIF": _jpeg,
    "HEIF": lambda quality: {"quality": quality},
}


def _encode_with_pillow(
    sink: ByteSink, samples: NDArray[np.uint8], name: str, options: dict[str, Any], cicp: tuple[int, int] | None
) -> None:
    if name == "HEIF":
        register_heif()
    image = Image.fromarray(np.ascontiguousarray(samples))
    if name == "AVIF" and cicp is not None:
        # Pillow has no option for it.
        whole = io.BytesIO()
        image.save(whole, name, **options)
        sink.write(isobmff.relabelled(whole.getvalue(), cicp))
    else:
        image.save(sink, name, **options)  # type: ignore[arg-type]
