"""A photo before and after in one picture for people: JPEG in 8-bit sRGB, without transparency."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.imaging.bitdepth import luma, to_8bit
from cliphaze_cli.imaging.metadata.colour_label import to_icc
from cliphaze_cli.imaging.metadata.icc import colour_space, srgb_transform
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.system.atomic_file import atomic_file

LONG_SIDE = 2000
SMALL = (960, 480)  # what a terminal or a sheet shows of it
_JPEG: dict[str, Any] = {"format": "JPEG", "quality": 90, "subsampling": "4:4:4"}
_LINE, _PAPER = (20, 20, 20), (255, 255, 255)


def save_comparison(before: Photo, after: Photo, path: Path, *, replace: bool = True, follow: bool = True) -> None:
    """Writes both beside each other, or above each other where they are larger so; at most `LONG_SIDE` pixels.

    The file gets no permissions that the photo's lacks. replace, follow: as in `atomic_file`. Raises ImageError.
    """
    picture = _pair(before, after, (LONG_SIDE, LONG_SIDE))
    with atomic_file(path, replace=replace, follow=follow, source=before.file, dated=False) as sink:
        picture.save(sink, **_JPEG)  # type: ignore[arg-type]


def small_comparison(before: Photo, after: Photo) -> bytes:
    """The same as the bytes of a JPEG file of at most `SMALL` pixels."""
    sink = io.BytesIO()
    _pair(before, after, SMALL).save(sink, **_JPEG)
    return sink.getvalue()


def _pair(before: Photo, after: Photo, box: tuple[int, int]) -> Image.Image:
    """Both, not enlarged, with a thin line between them, within (width, height)."""
    line = max(2, max(box) // 500)
    height, width = before.pixels.shape[:2]
    beside = min((box[0] - line) / (2 * width), box[1] / height)
    above = min(box[0] / width, (box[1] - line) / (2 * height))
    scale = min(1.0, max(beside, above))
    width, height = max(1, int(width * scale)), max(1, int(height * scale))
    across, down = (width + line, 0) if beside >= above else (0, height + line)
    canvas = Image.new("RGB", (width + across, height + down), _LINE)
    canvas.paste(_shown(before, (width, height)), (0, 0))
    canvas.paste(_shown(after, (width, height)), (across, down))
    return canvas


def _shown(photo: Photo, size: tuple[int, int]) -> Image.Image:
    """A photo as screens show it, on white where it is transparent."""
    import cv2

    def small(samples: NDArray[Any]) -> NDArray[np.uint8]:
        return to_8bit(cv2.resize(np.ascontiguousarray(samples), size, interpolation=cv2.INTER_AREA))

    pixels = small(photo.pixels)  # before anything else: copies of a large photo would fill the memory
    picture = _in_srgb(luma(pixels) if photo.grey else pixels, photo)
    if photo.alpha is None:
        return picture
    return Image.composite(picture, Image.new("RGB", size, _PAPER), Image.fromarray(small(photo.alpha)))


def _in_srgb(samples: NDArray[np.uint8], photo: Photo) -> Image.Image:
    """By the photo's profile or label; as it is where there is none, or none that can be used (HDR)."""
    profile = photo.icc
    if profile is None and photo.colour is not None and not photo.colour.is_srgb:
        profile = to_icc(photo.colour, grey=photo.grey)
    picture = Image.fromarray(samples)
    if profile is None:
        return picture.convert("RGB")
    if colour_space(profile) != "GRAY":
        picture = picture.convert("RGB")
    transform = srgb_transform(profile, picture.mode)
    return picture.convert("RGB") if transform is None else transform.apply(picture)
