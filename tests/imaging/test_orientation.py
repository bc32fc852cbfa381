"""Photos come out upright, once, whatever the file's orientation tag says."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from cliphaze_cli.imaging.files import read, write
from tests.imaging.samples import exif_block, photo, smooth

# For a stored image with corners  a b  what an upright view shows, row by row, by the EXIF specification.
#                                  c d
UPRIGHT = {1: "abcd", 2: "badc", 3: "dcba", 4: "cdab", 5: "acbd", 6: "cadb", 7: "dbca", 8: "bdac"}
COLOURS = {"a": (250, 10, 10), "b": (10, 250, 10), "c": (10, 10, 250), "d": (250, 250, 250)}


def stored() -> np.ndarray:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32], pixels[:24, 32:] = COLOURS["a"], COLOURS["b"]
    pixels[24:, :32], pixels[24:, 32:] = COLOURS["c"], COLOURS["d"]
    return pixels


def corners(pixels: np.ndarray) -> str:
    seen = [pixels[4, 4], pixels[4, -5], pixels[-5, 4], pixels[-5, -5]]
    far = pixels.dtype.type(np.iinfo(pixels.dtype).max // 255)
    return "".join(min(COLOURS, key=lambda c: np.abs(one / far - np.array(COLOURS[c])).sum()) for one in seen)


def assert_upright(path, orientation: int, tmp_path) -> None:
    result = read(path)
    assert corners(result.pixels) == UPRIGHT[orientation]
    assert result.pixels.shape[:2] == ((64, 48) if orientation >= 5 else (48, 64))
    again = tmp_path / f"again{path.suffix}"
    write(result, again)
    assert corners(read(again).pixels) == UPRIGHT[orientation]
    with Image.open(again) as image:
        assert 274 not in image.getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".avif", ".heic", ".tif"])
def test_eight_bit_files(tmp_path, extension, orientation):
    path = tmp_path / f"in{extension}"
    if extension == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if extension == ".tif":
        tifffile.imwrite(path, stored(), photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        Image.fromarray(stored()).save(path, exif=exif_block(orientation), quality=95)
    assert_upright(path, orientation, tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bit_tiff(tmp_path, orientation):
    path = tmp_path / "in.tif"
    pixels = stored().astype(np.uint16) * 257
    tifffile.imwrite(path, pixels, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    assert_upright(path, orientation, tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bit_png_and_its_alpha(tmp_path, orientation):
    path = tmp_path / "in.png"
    pixels = stored().astype(np.uint16) * 257
    write(photo(pixels, pixels[..., 0], exif=exif_block(orientation)), path)
    result = read(path)
    assert result.alpha is not None
    np.testing.assert_array_equal(result.alpha, result.pixels[..., 0])
    assert_upright(path, orientation, tmp_path)


def test_alpha_turns_with_the_colours(tmp_path):
    path = tmp_path / "in.png"
    pixels = stored()
    Image.fromarray(np.dstack([pixels, pixels[..., 0]])).save(path, exif=exif_block(6))
    result = read(path)
    assert result.alpha is not None
    np.testing.assert_array_equal(result.alpha, result.pixels[..., 0])


def test_orientation_in_xmp_is_applied_once(tmp_path):
    path = tmp_path / "in.jpg"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(stored()).save(path, xmp=xmp, quality=95)
    assert_upright(path, 6, tmp_path)


@pytest.mark.parametrize("value", [0, 9, 77])
def test_impossible_orientations_count_as_upright(tmp_path, value):
    path = tmp_path / "in.jpg"
    Image.fromarray(smooth()).save(path, exif=exif_block(value or 99))
    assert read(path).pixels.shape == (48, 64, 3)
