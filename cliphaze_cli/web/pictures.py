"""The small pictures that the page shows of a photo: before, after at full strength, and its haze density."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.imaging.bitdepth import to_8bit
from cliphaze_cli.imaging.colourmap import coloured
from cliphaze_cli.prior.upsample import upsample_density

if TYPE_CHECKING:
    from cliphaze_cli.imaging.photo import Photo

NAMES = ("before.jpg", "after.jpg", "density.jpg")
LONG_SIDE = 2048  # px
_QUALITY = 92


def save(folder: Path, photo: "Photo", dehazed: NDArray[Any], density: NDArray[np.float32]) -> tuple[int, int]:
    """Write the pictures into `folder`; return their width and height.

    dehazed: (H, W, 3), like the photo's pixels, at strength 1: the browser mixes what lies between. density: (h, w) in
    [0, 1].
    """
    height, width = photo.pixels.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    before, after = (to_8bit(cv2.resize(x, size, interpolation=cv2.INTER_AREA)) for x in (photo.pixels, dehazed))
    haze = coloured(upsample_density(density, before))
    for name, pixels, profile in zip(NAMES, (before, after, haze), (photo.icc, photo.icc, None), strict=True):
        _write(folder / name, pixels, profile)
    return size


def _write(path: Path, pixels: NDArray[np.uint8], profile: bytes | None) -> None:
    options: dict[str, Any] = {"quality": _QUALITY, "subsampling": 0}
    if profile is not None and profile[16:20] == b"RGB ":  # that of a grey photo does not fit
        options["icc_profile"] = profile
    try:
        Image.fromarray(pixels).save(path, "JPEG", **options)
    except ValueError:  # a profile too long for a JPEG; its colours are then shown as if they were sRGB's
        options.pop("icc_profile")
        Image.fromarray(pixels).save(path, "JPEG", **options)
