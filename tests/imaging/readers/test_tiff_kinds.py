"""TIFF files of every depth, layout and compression are read right, or named in the refusal."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import noise, smooth


@pytest.mark.parametrize(
    "compression", ["lzw", "packbits", "zstd", "lzma", "lerc", "webp", "jpeg2000", "jpegxl", "png"]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_compressions(tmp_path, compression, dtype):
    if compression == "webp" and dtype == np.uint16:
        pytest.skip("WebP has 8 bits")
    samples = noise(40, 50, 3, dtype=dtype)
    arguments = {"lossless": True} if compression in ("webp", "jpegxl") else {}
    options = {"compression": compression, "compressionargs": arguments, "metadata": None}
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", **options)
    result = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(result.pixels, samples)
    assert result.notices == ()


@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_planar_grey_with_alpha(tmp_path, compression, dtype, kind):
    highest = np.iinfo(dtype).max
    alpha = noise(40, 50, dtype=dtype) // 2 + highest // 2
    grey = (noise(40, 50, dtype=dtype, seed=1) * (alpha / highest)).astype(dtype)
    options = {"planarconfig": "separate", "extrasamples": [kind], "compression": compression, "metadata": None}
    tifffile.imwrite(tmp_path / "in.tif", np.stack([grey, alpha]), photometric="minisblack", **options)
    result = read(tmp_path / "in.tif")
    assert result.grey
    np.testing.assert_array_equal(result.alpha, alpha)
    expected = (
        grey if kind == "unassalpha" else np.minimum(grey / alpha.astype(float) * highest + 0.5, highest).astype(dtype)
    )
    np.testing.assert_array_equal(result.pixels[..., 0], expected)


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_odd_depths_are_widened_and_said(tmp_path, bits):
    samples = noise(16, 24, 3, dtype=np.uint16) >> (16 - bits)
    # 24 samples of whole bytes in each row, most significant bit first.
    packed = np.packbits(
        ((samples.reshape(16, -1)[..., None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8).reshape(16, -1),
        axis=1,
    )
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, packed, metadata=None, rowsperstrip=16)
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages[0].tags
        tags[256].overwrite(24)
        tags[258].overwrite((bits, bits, bits), dtype="H")
        tags[262].overwrite(2)
        tags[277].overwrite(3)
    result = read(path)
    np.testing.assert_array_equal(result.pixels, np.rint(samples * (65535 / (2**bits - 1))))
    assert result.notices == (f"{bits}-bit samples widened to 16 bits",)


def test_32_bit_integers_are_reduced_and_said(tmp_path):
    samples = noise(16, 24, 3, dtype=np.uint32)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", metadata=None)
    result = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(result.pixels, np.rint(samples / 65537.0))
    assert result.notices == ("32-bit integers reduced to 16 bits",)


def test_32_bit_integers_that_use_16_are_not_made_black(tmp_path):
    samples = noise(16, 24, 3, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", samples.astype(np.uint32), photometric="rgb", metadata=None)
    result = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(result.pixels, samples)
    assert "taken as 16-bit" in result.notices[0]


@pytest.mark.parametrize(("signed", "unsigned"), [(np.int8, np.uint8), (np.int16, np.uint16)])
def test_signed_samples_are_shifted_and_said(tmp_path, signed, unsigned):
    samples = noise(16, 24, 3, dtype=unsigned)
    half = (np.iinfo(unsigned).max + 1) // 2
    shifted = (samples.astype(np.int64) - half).astype(signed)
    tifffile.imwrite(tmp_path / "in.tif", shifted, photometric="rgb", metadata=None)
    result = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(result.pixels, samples)
    assert "signed" in result.notices[0]


def test_signed_samples_without_negative_ones_use_the_whole_range(tmp_path):
    samples = np.linspace(0, 32767, 300).reshape(10, 10, 3).astype(np.int16)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", metadata=None)
    np.testing.assert_allclose(read(tmp_path / "in.tif").pixels, samples * 2.0, atol=2)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("planar", [False, True])
def test_8_bit_layouts(tmp_path, order, big, planar):
    samples = noise(37, 53, 3)
    stored = np.ascontiguousarray(np.moveaxis(samples, 2, 0)) if planar else samples
    options = {"planarconfig": "separate" if planar else "contig", "byteorder": order, "bigtiff": big, "tile": (16, 32)}
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="rgb", compression="lzw", predictor=True, **options)
    np.testing.assert_array_equal(read(tmp_path / "in.tif").pixels, samples)


VALUES = np.linspace(0, 4, 4 * 5 * 3).reshape(4, 5, 3).astype(np.float32)


def test_floating_point_beyond_1_is_scaled_and_said(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", VALUES, photometric="rgb")
    result = read(tmp_path / "in.tif")
    white = np.percentile(VALUES, 99.9)
    np.testing.assert_array_equal(result.pixels, np.rint(np.minimum(VALUES / white, 1) * 65535))
    assert "is white: --white VALUE sets it" in result.notices[0]
    assert "from 0 to 4" in result.notices[0]


def test_white_can_be_chosen(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", VALUES, photometric="rgb")
    result = read(tmp_path / "in.tif", white=2.0)
    np.testing.assert_array_equal(result.pixels, np.rint(np.minimum(VALUES.astype(float) / 2, 1) * 65535))
    assert "2 is white" in result.notices[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0])
def test_values_that_are_none_cost_only_themselves(tmp_path, bad):
    values = np.full((4, 5, 3), 0.5, np.float32)
    values[2, 2, 1] = bad
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb")
    result = read(tmp_path / "in.tif").pixels
    assert result[2, 2, 1] == (65535 if bad == np.inf else 0)
    assert result[0, 0, 0] > 0


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((8, 9), np.complex64), "64-bit complex"),
        (np.zeros((8, 9, 3), np.float32), "BT.601|YCBCR"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, samples, words):
    photometric = "minisblack" if samples.ndim == 2 else "rgb"
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric=photometric, metadata=None)
    if samples.ndim == 3:
        with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as file:
            file.pages[0].tags[262].overwrite(6)
    with pytest.raises(ImageError, match=words) as caught:
        read(tmp_path / "in.tif")
    assert "save it with 8 or 16 bits" in str(caught.value)


def test_too_many_bands_are_refused_before_decoding(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((20, 20, 64), np.uint8), photometric="minisblack", metadata=None)
    with pytest.raises(ImageError, match="bands"):
        read(tmp_path / "in.tif", max_pixels=500)


def test_written_8_bit_maps_are_read_by_others(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", np.dstack([smooth(), smooth()[..., :2]]), photometric="rgb", metadata=None)
    write(read(tmp_path / "in.tif"), tmp_path / "out.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), np.dstack([smooth(), smooth()[..., :2]]))


def test_jpeg_of_12_bits_inside(tmp_path):
    samples = np.kron(smooth(), np.ones((4, 4, 1))).astype(np.uint16) << 4
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", compression="jpeg", metadata=None)
    result = read(tmp_path / "in.tif")
    assert np.abs(result.pixels.astype(float) - samples * (65535 / 4095)).mean() < 600
    assert result.notices == ("12-bit samples widened to 16 bits",)


def test_three_colours_beside_alpha_are_colours_though_the_file_does_not_say_rgb(tmp_path):
    samples = noise(20, 30, 4)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    content = bytearray((tmp_path / "in.tif").read_bytes())
    at = content.index(b"\x06\x01\x03\x00\x01\x00\x00\x00\x02\x00")  # the tag that says RGB
    content[at] = 0xFE  # becomes one that nobody knows
    (tmp_path / "in.tif").write_bytes(content)
    photo = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.pixels, samples[..., :3])
    assert photo.bands is None and any("first three of 4 bands" in notice for notice in photo.notices)
    write(photo, tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as image:
        np.testing.assert_array_equal(np.asarray(image), samples)


def test_a_volume_is_no_picture(tmp_path):
    options = {"photometric": "minisblack", "volumetric": True, "tile": (16, 16, 16), "metadata": None}
    tifffile.imwrite(tmp_path / "in.tif", noise(32, 32, 32), **options)
    with pytest.raises(ImageError, match="volume"):
        read(tmp_path / "in.tif")


def test_tiles_that_claim_a_huge_size_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", noise(32, 32, 3), photometric="rgb", tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as file:
        for tag in (322, 323):
            file.pages[0].tags[tag].overwrite(60_000)
    with pytest.raises(ImageError, match="megapixels"):
        read(tmp_path / "in.tif")


def test_the_value_without_data_is_converted_with_the_samples(tmp_path):
    values = np.full((8, 9, 3), 0.5, np.float32)
    values[:4] = -9999
    tags = [(42113, "s", 0, "-9999", True)]
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb", metadata=None, extratags=tags)
    result = read(tmp_path / "in.tif")
    write(result, tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages[0].tags[42113].value == "0"
        assert (file.asarray()[:4] == 0).all()
