"""Grey, palette, CMYK, transparency and animations."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from cliphaze_cli.imaging.files import read, with_pixels, write
from cliphaze_cli.imaging.formats import FORMATS
from tests.imaging.samples import cmyk_icc_profile, noise, photo, smooth


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".bmp", ".avif", ".heic"])
def test_grey_stays_grey(tmp_path, extension):
    source, target = tmp_path / "in.png", tmp_path / f"out{extension}"
    grey = smooth()[..., 0]
    Image.fromarray(grey).save(source)
    result = read(source)
    assert result.grey
    np.testing.assert_array_equal(result.pixels, np.repeat(grey[..., None], 3, axis=2))
    write(result, target)
    read(target)  # registers HEIF
    with Image.open(target) as image:
        assert image.mode == "L"
        assert np.abs(np.asarray(image).astype(int) - grey).max() <= (
            0 if FORMATS[str(image.format)].quality is None else 4
        )


def test_coloured_pixels_of_a_grey_photo_are_written_as_their_luma(tmp_path):
    grey = with_pixels(photo(smooth(), grey=True), np.full((4, 5, 3), (255, 0, 0), np.uint8))
    write(grey, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.mode == "L"
        assert image.getpixel((0, 0)) == 76


@pytest.mark.parametrize("extension", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("grey", [False, True])
def test_alpha_is_kept_exactly(tmp_path, extension, grey):
    pixels = np.repeat(smooth()[..., :1], 3, axis=2) if grey else smooth()
    alpha = noise(48, 64, seed=1)
    source, target = tmp_path / "in.png", tmp_path / f"out{extension}"
    Image.fromarray(np.dstack([pixels[..., :1] if grey else pixels, alpha])).save(source)
    result = read(source)
    np.testing.assert_array_equal(result.pixels, pixels)
    np.testing.assert_array_equal(result.alpha, alpha)
    write(result, target)
    written = read(target)
    np.testing.assert_array_equal(written.alpha, alpha)
    if extension != ".webp":
        np.testing.assert_array_equal(written.pixels, pixels)
        assert written.grey == grey


@pytest.mark.parametrize("extension", [".avif", ".heic"])
def test_alpha_is_kept_closely_by_lossy_formats(tmp_path, extension):
    alpha = smooth()[..., 1]
    target = tmp_path / f"out{extension}"
    write(photo(smooth(), alpha), target)
    written = read(target).alpha
    assert written is not None
    assert np.abs(written.astype(int) - alpha).max() <= 6


@pytest.mark.parametrize("extension", [".jpg", ".bmp"])
def test_transparency_is_dropped_with_a_notice_where_the_format_has_none(tmp_path, extension):
    (notice,) = write(photo(smooth(), noise(48, 64)), tmp_path / f"out{extension}")
    assert "transparency dropped" in notice
    written = read(tmp_path / f"out{extension}")
    assert written.alpha is None
    assert np.abs(written.pixels.astype(int) - smooth()).max() <= 6


def test_palette(tmp_path):
    path = tmp_path / "in.png"
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).convert("P")
    palette = noise(256, 3)
    image.putpalette(palette.tobytes())
    image.save(path)
    result = read(path)
    np.testing.assert_array_equal(result.pixels, palette[:12].reshape(3, 4, 3))
    assert result.alpha is None
    assert not result.grey
    assert any("palette" in notice for notice in result.notices)


@pytest.mark.parametrize("transparency", [5, bytes(range(0, 240, 20))])
def test_palette_with_transparency_becomes_alpha(tmp_path, transparency):
    path = tmp_path / "in.png"
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).convert("P")
    image.putpalette(noise(256, 3).tobytes())
    image.save(path, transparency=transparency)
    expected = np.arange(0, 240, 20) if isinstance(transparency, bytes) else np.where(np.arange(12) == 5, 0, 255)
    np.testing.assert_array_equal(read(path).alpha, expected.reshape(3, 4))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_one_transparent_colour_becomes_alpha(tmp_path, mode):
    path = tmp_path / "in.png"
    image = Image.new(mode, (3, 2), "white")
    image.putpixel((1, 0), 7 if mode == "L" else (7, 8, 9))
    image.save(path, transparency=7 if mode == "L" else (7, 8, 9))
    result = read(path)
    assert result.grey == (mode == "L")
    np.testing.assert_array_equal(result.alpha, [[255, 0, 255], [255, 255, 255]])


def test_one_bit_images_become_grey(tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(np.eye(9, dtype=bool)).save(path)
    result = read(path)
    assert result.grey
    assert "1-bit" in result.notices[0]
    np.testing.assert_array_equal(result.pixels[..., 1], 255 * np.eye(9, dtype=np.uint8))


@pytest.mark.parametrize("extension", [".jpg", ".tif"])
def test_cmyk_becomes_rgb_with_a_notice(tmp_path, extension):
    path = tmp_path / f"in{extension}"
    Image.fromarray(smooth()).convert("CMYK").save(path)
    result = read(path)
    assert result.notices == ("CMYK converted to sRGB",)
    assert np.abs(result.pixels.astype(int) - smooth()).max() <= 40
    write(result, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("extension", [".jpg", ".tif"])
def test_cmyk_is_converted_by_its_profile_which_then_goes(tmp_path, extension):
    path = tmp_path / f"in{extension}"
    image = Image.new("CMYK", (16, 16), (255, 255, 0, 0))  # violet, were it not for the profile
    image.save(path, icc_profile=cmyk_icc_profile())
    result = read(path)
    assert (result.icc, result.notices) == (None, ("CMYK converted to sRGB",))
    red, green, blue = result.pixels[8, 8].astype(int)
    assert green > red + 40
    assert green > blue + 40


def test_cmyk_with_a_useless_profile_is_converted_without_it(tmp_path):
    path = tmp_path / "in.tif"
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(path, icc_profile=b"nonsense")
    result = read(path)
    assert result.icc is None
    assert "without its colour profile" in result.notices[0]
    np.testing.assert_array_equal(result.pixels[0, 0], (255, 0, 0))


def test_lab_is_converted_by_its_colours(tmp_path):
    path = tmp_path / "in.tif"
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    to_lab.apply(Image.fromarray(smooth())).save(path)
    result = read(path)
    assert np.abs(result.pixels.astype(int) - smooth()).max() <= 20
    assert result.notices == ("LAB converted to sRGB",)


@pytest.mark.parametrize(("extension", "word"), [(".webp", "frames"), (".png", "frames"), (".tif", "pages")])
def test_of_animations_the_first_frame(tmp_path, extension, word):
    path = tmp_path / f"in{extension}"
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    result = read(path)
    assert result.notices == (f"first of 3 {word} used",)
    assert np.abs(result.pixels[4, 4].astype(int) - (200, 0, 0)).max() <= 3


def test_jpeg_with_further_pictures_inside_stays_a_jpeg(tmp_path):
    path = tmp_path / "in.jpg"
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(path, "MPO", save_all=True, append_images=frames[1:])
    result = read(path)
    assert result.format == "JPEG"
    assert "first of 2 pictures" in result.notices[0]
