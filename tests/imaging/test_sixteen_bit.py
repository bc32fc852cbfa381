"""16-bit samples survive reading and writing exactly."""

from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from cliphaze_cli.imaging.files import read, with_pixels, write
from cliphaze_cli.imaging.metadata.png_chunks import chunk
from tests.imaging.samples import noise, photo

DEEP = noise(37, 53, 4, dtype=np.uint16)


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_written_and_read_back_exactly(tmp_path, extension, with_alpha, grey):
    pixels = np.repeat(DEEP[..., :1], 3, axis=2) if grey else DEEP[..., :3]
    path = tmp_path / f"out{extension}"
    assert write(photo(pixels, DEEP[..., 3] if with_alpha else None, grey=grey), path) == ()
    result = read(path)
    assert result.pixels.dtype == np.uint16
    assert result.grey == grey
    np.testing.assert_array_equal(result.pixels, pixels)
    if with_alpha:
        np.testing.assert_array_equal(result.alpha, DEEP[..., 3])
    else:
        assert result.alpha is None
    # Others agree about what is in the file.
    samples = DEEP[..., :1] if grey else DEEP[..., :3]
    samples = np.dstack([samples, DEEP[..., 3]]) if with_alpha else samples
    if extension == ".tif":
        np.testing.assert_array_equal(tifffile.imread(path), np.squeeze(samples))
    elif not (grey and with_alpha):
        theirs: Any = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        theirs = theirs[..., [2, 1, 0, 3][: theirs.shape[2]]] if theirs.ndim == 3 else theirs
        np.testing.assert_array_equal(theirs, np.squeeze(samples))
    if not (extension == ".tif" and grey and with_alpha):  # which Pillow does not open
        with Image.open(path) as image:
            image.load()


def test_smooth_pictures_are_compressed(tmp_path):
    ramp = np.add.outer(np.arange(300), np.arange(400)).astype(np.uint16) * 50
    for extension in (".png", ".tif"):
        path = tmp_path / f"out{extension}"
        write(photo(np.repeat(ramp[..., None], 3, axis=2)), path)
        assert path.stat().st_size < ramp.nbytes * 3 / 20


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1)])
@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_slim_pictures(tmp_path, size, extension):
    pixels = noise(*size, 3, dtype=np.uint16)
    write(photo(pixels), tmp_path / f"out{extension}")
    np.testing.assert_array_equal(read(tmp_path / f"out{extension}").pixels, pixels)


def test_pictures_of_several_bands(tmp_path):
    pixels = noise(1500, 1000, 3, dtype=np.uint16)
    for extension in (".png", ".tif"):
        write(photo(pixels), tmp_path / f"out{extension}")
        np.testing.assert_array_equal(read(tmp_path / f"out{extension}").pixels, pixels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_by_opencv(tmp_path, channels):
    path = tmp_path / "in.png"
    samples = DEEP[..., :channels]
    cv2.imwrite(str(path), samples[..., [2, 1, 0, 3][:channels]] if channels > 1 else samples)
    result = read(path)
    np.testing.assert_array_equal(result.pixels[..., : min(channels, 3)], samples[..., :3])
    assert result.grey == (channels == 1)


@pytest.mark.parametrize("compression", [1, 5, 8, 32773])  # none, LZW, ZIP, PackBits
@pytest.mark.parametrize("predictor", [1, 2])
def test_tiff_by_opencv(tmp_path, compression, predictor):
    path = tmp_path / "in.tif"
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    cv2.imwrite(str(path), DEEP[..., 2::-1], options)
    np.testing.assert_array_equal(read(path).pixels, DEEP[..., :3])


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_tiff_layouts(tmp_path, byteorder, tile, planar, big):
    path = tmp_path / "in.tif"
    samples = np.moveaxis(DEEP[..., :3], 2, 0) if planar else DEEP[..., :3]
    tifffile.imwrite(
        path,
        np.ascontiguousarray(samples),
        photometric="rgb",
        planarconfig="separate" if planar else "contig",
        byteorder=byteorder,
        tile=tile,
        bigtiff=big,
        compression="zlib",
        predictor=True,
    )
    np.testing.assert_array_equal(read(path).pixels, DEEP[..., :3])


def test_tiff_of_negative_film_is_turned_positive(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", DEEP[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "in.tif").pixels[..., 0], 65535 - DEEP[..., 0])


def test_premultiplied_alpha_is_divided_out(tmp_path):
    samples = np.full((2, 2, 4), (10_000, 20_000, 30_000, 32_768), np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", extrasamples=["assocalpha"])
    result = read(tmp_path / "in.tif")
    np.testing.assert_allclose(result.pixels[0, 0].astype(int), (20_000, 40_000, 59_999), atol=1)
    assert result.alpha is not None
    assert result.alpha[0, 0] == 32_768


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floating_point_tiff_becomes_sixteen_bits(tmp_path, kind):
    values = np.linspace(0, 1, 4 * 5 * 3).reshape(4, 5, 3).astype(kind)
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="rgb")
    result = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(result.pixels, np.rint(values.astype(np.float64) * 65535))
    assert "floating point" in result.notices[0]


def test_one_transparent_colour_becomes_alpha(tmp_path):
    path = tmp_path / "in.png"
    pixels = DEEP[..., :3].copy()
    write(photo(pixels), path)
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk(b"tRNS", pixels[3, 4].astype(">u2").tobytes()) + data[33:])
    alpha = np.full(pixels.shape[:2], 65535, np.uint16)
    alpha[3, 4] = 0
    result = read(path)
    np.testing.assert_array_equal(result.alpha, alpha)
    np.testing.assert_array_equal(result.pixels, pixels)


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".bmp"])
def test_other_formats_get_8_bits_with_a_notice(tmp_path, extension):
    pixels = np.full((16, 16, 3), (60_000, 30_000, 10_000), np.uint16)
    (notice,) = write(photo(pixels), tmp_path / f"out{extension}")
    assert "16 bits reduced to 8" in notice
    result = read(tmp_path / f"out{extension}").pixels
    assert np.abs(result[8, 8].astype(int) - (233, 117, 39)).max() <= 4


def test_deeper_avif_is_reduced_with_a_notice(tmp_path):
    path = tmp_path / "in.avif"
    if not cv2.imwrite(str(path), np.full((32, 32, 3), 512, np.uint16), [cv2.IMWRITE_AVIF_DEPTH, 10]):
        pytest.skip("this OpenCV writes no AVIF")
    result = read(path)
    assert result.notices == ("10-bit AVIF reduced to 8 bits",)
    assert abs(int(result.pixels[16, 16, 1]) - 128) <= 2


def test_deeper_heic_is_reduced_with_a_notice(tmp_path):
    path = tmp_path / "in.heic"
    samples = np.full((64, 64, 3), 32_768, np.uint16)
    pillow_heif.from_bytes(mode="RGB;16", size=(64, 64), data=samples.tobytes()).save(path)
    result = read(path)
    assert result.notices == ("10-bit HEIF reduced to 8 bits",)
    assert abs(int(result.pixels[32, 32, 1]) - 128) <= 2


def test_sixteen_bit_cmyk_is_reduced_with_a_notice(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, np.full((4, 4, 4), (0, 65535, 65535, 0), np.uint16), photometric="separated")
    result = read(path)
    np.testing.assert_array_equal(result.pixels[0, 0], (255, 0, 0))
    assert set(result.notices) == {"16-bit TIFF reduced to 8 bits", "CMYK converted to sRGB"}


def test_alpha_follows_pixels_of_another_depth(tmp_path):
    deep = photo(DEEP[..., :3], DEEP[..., 3])
    write(with_pixels(deep, (DEEP[..., :3] >> 8).astype(np.uint8)), tmp_path / "out.png")
    np.testing.assert_array_equal(read(tmp_path / "out.png").alpha, np.rint(DEEP[..., 3] / 257.0))


def test_opencv_stays_silent_about_odd_chunks(tmp_path, capfd):
    path = tmp_path / "in.png"
    write(photo(DEEP[..., :3], icc=b"\0\0\0\x80" + bytes(200)), path)
    read(path)
    assert capfd.readouterr() == ("", "")
