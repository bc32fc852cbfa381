"""Images as people hold them become pixels and come back as the same kind."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from cliphaze_cli.conversion import from_pixels, to_pixels

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 5, 3), np.uint8)
GREYS = COLOURS[..., 0]


def pil(mode: str) -> Image.Image:
    """A picture in that mode, with alpha that is not all opaque where the mode has alpha."""
    image = Image.fromarray(COLOURS)
    if mode in ("RGBA", "LA", "PA"):
        image = image.convert(mode)
        image.putalpha(Image.fromarray(GREYS))
        return image
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_pil_images_keep_their_mode(mode):
    image = pil(mode)
    pixels = to_pixels(image)
    assert pixels.shape == (6, 5, 3) and pixels.dtype == np.uint8
    back = from_pixels(pixels, image)
    assert back.mode == mode and np.array_equal(np.asarray(back), np.asarray(image))


@pytest.mark.parametrize("mode", ["P", "CMYK", "1", "YCbCr"])
def test_pil_modes_that_cannot_hold_the_result_become_rgb(mode):
    image = pil(mode)
    back = from_pixels(to_pixels(image), image)
    assert back.mode == "RGB" and np.array_equal(np.asarray(back), np.asarray(image.convert("RGB")))


def test_a_transparent_palette_stays_transparent():
    image = Image.fromarray(GREYS % 4).convert("P")
    image.info["transparency"] = 2
    back = from_pixels(to_pixels(image), image)
    assert back.mode == "RGBA"
    assert np.array_equal(np.asarray(back.getchannel("A")) == 0, np.asarray(image) == 2)


def test_sixteen_bit_pil_images_keep_their_depth():
    image = Image.fromarray(GREYS.astype(np.uint16) * 257)
    pixels = to_pixels(image)
    assert image.mode == "I;16" and pixels.dtype == np.uint16
    back = from_pixels(pixels, image)
    assert back.mode == "I;16" and np.array_equal(np.asarray(back), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16"])
def test_pil_images_can_still_be_turned_upright_and_keep_their_colour_space(mode):
    image = Image.fromarray(GREYS.astype(np.uint16)) if mode == "I;16" else pil(mode)
    orientation = Image.Exif()
    orientation[0x112] = 6
    image.info = {"exif": orientation.tobytes(), "icc_profile": b"profile", "dpi": (300, 300), "compression": "group4"}
    back = from_pixels(to_pixels(image), image)
    assert back.getexif()[0x112] == 6
    assert ImageOps.exif_transpose(back).size == (6, 5)
    assert back.info == {key: image.info[key] for key in ("exif", "icc_profile", "dpi")}


def test_the_profile_of_converted_colours_is_not_kept():
    image = pil("CMYK")
    image.info["icc_profile"] = b"inks"
    assert "icc_profile" not in from_pixels(to_pixels(image), image).info


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pil_modes_without_a_range_are_refused(mode):
    with pytest.raises(TypeError, match=f"mode {mode}.*convert it"):
        to_pixels(Image.new(mode, (4, 3)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3), (6, 5, 4)])
def test_arrays_keep_shape_and_type(dtype, shape):
    whole = np.issubdtype(dtype, np.integer)
    image = (RNG.random(shape) * (np.iinfo(dtype).max if whole else 1)).astype(dtype)
    copy = image.copy()
    pixels = to_pixels(image)
    assert pixels.shape == (6, 5, 3)
    assert pixels.dtype == (dtype if whole else np.float32)
    back = from_pixels(pixels, image)
    assert back.shape == shape and back.dtype == dtype
    np.testing.assert_allclose(back, image, rtol=1e-6)
    assert np.array_equal(image, copy)


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", ">f8"])
def test_arrays_of_any_byte_order(dtype):
    values = COLOURS.astype(np.uint16) * 257 if dtype.endswith("u2") else COLOURS / 255
    image = values.astype(dtype)
    pixels = to_pixels(image)
    assert pixels.dtype.isnative
    np.testing.assert_allclose(pixels, values, rtol=1e-6)
    back = from_pixels(pixels, image)
    assert back.dtype == np.dtype(dtype)
    np.testing.assert_allclose(back, image, rtol=1e-6)


def test_what_rounding_adds_to_floats_is_cut_off():
    image = np.full((4, 4, 3), 1.0000001, np.float32)
    image[0] = -1e-6
    assert to_pixels(image).min() == 0 and to_pixels(image).max() == 1
    with pytest.raises(ValueError, match=r"spans 0 to 1\.002"):
        to_pixels(np.array([[[0, 0.5, 1.002]]]))


def test_a_dehazed_grey_array_is_grey_again():
    coloured = np.dstack([GREYS, GREYS, GREYS]).copy()
    coloured[0, 0] = (10, 20, 31)
    assert from_pixels(coloured, GREYS)[0, 0] == 20


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.uint16, torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
def test_tensors_keep_shape_and_type(dtype):
    image = torch.from_numpy(COLOURS).permute(2, 0, 1)
    image = (image.double() / 255).to(dtype) if dtype.is_floating_point else image.to(dtype)
    pixels = to_pixels(image.requires_grad_() if dtype.is_floating_point else image)
    assert pixels.shape == (6, 5, 3)
    back = from_pixels(pixels, image)
    assert back.shape == (3, 6, 5) and back.dtype == dtype and back.is_contiguous() and not back.requires_grad
    assert torch.allclose(back.double(), image.double())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("photo.jpg", "not str"),
        (None, "not NoneType"),
        (COLOURS.astype(np.int64), "int64"),
        (COLOURS > 100, "bool"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "int64"),
        (torch.zeros(3, 4, 4, dtype=torch.bool), "bool"),
    ],
)
def test_what_is_no_image_type(image, message):
    with pytest.raises(TypeError, match=message):
        to_pixels(image)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (COLOURS[..., :2], r"\(6, 5, 2\)"),
        (np.zeros((1, 6, 5, 3), np.uint8), r"\(1, 6, 5, 3\)"),
        (np.zeros(7, np.uint8), r"\(7,\)"),
        (np.zeros((0, 5, 3), np.uint8), "empty"),
        (torch.zeros(6, 5, 3), r"\(6, 5, 3\)"),
        (torch.zeros(4, 6, 5), r"\(4, 6, 5\)"),
        (COLOURS.astype(np.float32), r"\[0, 1\]; this one spans"),
        (np.full((4, 4, 3), -0.01), r"\[0, 1\]; this one spans"),
        (np.full((4, 4, 3), np.nan), r"\[0, 1\]"),
        (torch.full((3, 4, 4), 255.0), r"\[0, 1\]"),
    ],
)
def test_what_has_no_images_shape_or_range(image, message):
    with pytest.raises(ValueError, match=message):
        to_pixels(image)
