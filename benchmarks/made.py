"""Large test photos, made from an example photo: enlarged, with a camera's noise, at any size and in any format."""

import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.formats import format_of_name
from cliphaze_cli.imaging.photo import Photo

EXAMPLE = Path(__file__).parents[1] / "examples" / "fog.jpg"
NOISE = 6.0  # standard deviation, of 255
KINDS = 4  # photos of a folder that are no copies
_TILE = 512


def made_pixels(megapixels: float, *, sixteen_bit: bool = False, seed: int = 0) -> NDArray[np.uint8 | np.uint16]:
    """(H, W, 3) in the proportion 3 : 4."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    with Image.open(EXAMPLE) as image:
        example = np.asarray(image.convert("RGB"))
    pixels = cv2.resize(example, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).normal(0, NOISE, (_TILE, _TILE, 3))
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            part = pixels[top : top + _TILE, left : left + _TILE]
            part[:] = np.clip(part + noise[: part.shape[0], : part.shape[1]], 0, 255)
    return pixels.astype(np.uint16) * np.uint16(257) if sixteen_bit else pixels  # type: ignore[return-value]


def make_photo(path: Path, megapixels: float, *, sixteen_bit: bool = False, seed: int = 0) -> Path:
    """Write such a photo in the format of its name, and return the path."""
    pixels = made_pixels(megapixels, sixteen_bit=sixteen_bit, seed=seed)
    name = format_of_name(path)
    assert name is not None
    # JPEG with colour at half the resolution, as phones and most cameras write it.
    files.write(Photo(pixels, None, False, None, None, name, half_chroma=True), path)
    return path


def make_folder(folder: Path, count: int, megapixels: float) -> list[Path]:
    """Make a folder of so many JPEG photos, of which KINDS differ and the rest are copies, and return their paths."""
    folder.mkdir()
    paths = [folder / f"{number:04}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if number < KINDS:
            make_photo(path, megapixels, seed=number)
        else:
            shutil.copy(paths[number % KINDS], path)
    return paths
