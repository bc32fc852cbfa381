"""What a photo will take is known from its header: before it is decoded, and the more the deeper its samples are."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.system.errors import NeedsMemoryError
from tests.imaging.samples import noise, photo

PLAIN, DEEP = 16, 40  # bytes per pixel
HEIGHT, WIDTH = 64, 96


def written(format: str, tmp_path, dtype: type = np.uint8) -> bytes:
    write(photo(noise(HEIGHT, WIDTH, 3, dtype=dtype)), tmp_path / "whole", format=format)
    return (tmp_path / "whole").read_bytes()


def bands(count: int, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, noise(HEIGHT, WIDTH, count), photometric="rgb", **options)
    return stream.getvalue()


FILES = {
    "jpg": (PLAIN, lambda folder: written("JPEG", folder)),
    "png": (PLAIN, lambda folder: written("PNG", folder)),
    "png 16": (DEEP, lambda folder: written("PNG", folder, np.uint16)),
    "webp": (PLAIN, lambda folder: written("WEBP", folder)),
    "bmp": (PLAIN, lambda folder: written("BMP", folder)),
    "tif": (PLAIN, lambda folder: written("TIFF", folder)),
    "tif 16": (DEEP, lambda folder: written("TIFF", folder, np.uint16)),
    "tif of 9 bands": (3 * PLAIN, lambda folder: bands(9)),
    "tif of a large tile": (PLAIN * 16, lambda folder: bands(3, tile=(4 * HEIGHT, 4 * WIDTH))),
    "jxl": (PLAIN, lambda folder: bytes(imagecodecs.jpegxl_encode(noise(HEIGHT, WIDTH, 3)))),
    "jxl 16": (DEEP, lambda folder: bytes(imagecodecs.jpegxl_encode(noise(HEIGHT, WIDTH, 3, dtype=np.uint16)))),
    "jp2": (PLAIN, lambda folder: bytes(imagecodecs.jpeg2k_encode(noise(HEIGHT, WIDTH, 3)))),
    "jp2 16": (DEEP, lambda folder: bytes(imagecodecs.jpeg2k_encode(noise(HEIGHT, WIDTH, 3, dtype=np.uint16)))),
}


@pytest.mark.parametrize("name", FILES)
def test_a_photo_that_takes_more_than_it_may_is_not_decoded(tmp_path, name):
    per_pixel, make = FILES[name]
    path, enough = tmp_path / "photo", per_pixel * WIDTH * HEIGHT
    path.write_bytes(make(tmp_path))
    assert read(path, max_bytes=enough + PLAIN).pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(NeedsMemoryError):
        read(path, max_bytes=enough - PLAIN)
