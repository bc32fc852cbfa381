"""EXIF, colour profiles and print resolution survive, and damaged ones do not cost the photo."""

import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from cliphaze_cli.imaging.files import read, with_pixels, write
from cliphaze_cli.imaging.metadata import exif, tiff_tags
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import (
    EXPECTED,
    exif_block,
    grey_icc_profile,
    icc_profile,
    make_and_date,
    noise,
    photo,
    smooth,
)

KEEPERS = [".jpg", ".png", ".webp", ".tif", ".avif", ".heic"]


@pytest.mark.parametrize("extension", KEEPERS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_and_icc_survive_from_jpeg_to_every_format_and_back(tmp_path, extension, order):
    source, target, back = tmp_path / "in.jpg", tmp_path / f"out{extension}", tmp_path / "back.jpg"
    Image.fromarray(smooth()).save(source, exif=exif_block(3, order), icc_profile=icc_profile(), dpi=(300, 300))
    assert write(read(source), target) == ()
    assert make_and_date(target) == EXPECTED
    written = read(target)
    assert written.icc == icc_profile()
    write(written, back)
    assert make_and_date(back) == EXPECTED
    with Image.open(back) as image:
        assert image.info["icc_profile"] == icc_profile()


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_exif_and_icc_survive_at_sixteen_bits(tmp_path, extension):
    path = tmp_path / f"out{extension}"
    write(photo(noise(9, 7, 3, dtype=np.uint16), exif=exif_block(), icc=icc_profile(), dpi=(300, 300)), path)
    result = read(path)
    assert result.exif is not None
    assert make_and_date(path) == make_and_date(result.exif) == EXPECTED
    assert result.icc == icc_profile()
    assert result.dpi == pytest.approx((300, 300), abs=0.01)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == icc_profile()


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".bmp"])
def test_print_resolution_survives(tmp_path, extension):
    source, target = tmp_path / "in.jpg", tmp_path / f"out{extension}"
    Image.fromarray(smooth()).save(source, dpi=(240, 240))
    write(read(source), target)
    assert read(target).dpi == pytest.approx((240, 240), abs=0.05)


def test_tiff_tags_about_stored_pixels_do_not_travel(tmp_path):
    source, target = tmp_path / "in.tif", tmp_path / "out.jpg"
    tifffile.imwrite(source, smooth(), photometric="rgb", software="scanner", extratags=[(271, 2, 0, "Camera", True)])
    write(read(source), target)
    with Image.open(target) as image:
        tags = dict(image.getexif())
    assert tags[271] == "Camera"
    assert tags[305] == "scanner"
    assert not {256, 257, 258, 259, 273, 279} & set(tags)


@pytest.mark.parametrize("order", ["<", ">"])
def test_cleaning_moves_nothing_and_unlinks_the_old_thumbnail(order):
    block = exif_block(6, order, thumbnail=True)
    cleaned = exif.cleaned(block)
    assert cleaned is not None
    assert len(cleaned) == len(block)
    assert make_and_date(cleaned) == EXPECTED
    tags = Image.Exif()
    tags.load(cleaned)
    assert 274 not in tags
    with_thumbnail = Image.Exif()
    with_thumbnail.load(block)
    assert with_thumbnail.get_ifd(ExifTags.IFD.IFD1)
    assert not tags.get_ifd(ExifTags.IFD.IFD1)


def test_a_block_with_nothing_but_the_orientation_vanishes():
    block = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, 6, 0, 0)
    assert exif.cleaned(block) is None


@pytest.mark.parametrize("length", [0, 3, 8, 13, 30])
def test_cut_off_exif_is_refused(length):
    with pytest.raises(ValueError, match="EXIF"):
        exif.cleaned(exif_block(6)[: 6 + length])


@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", exif_block(6)[:25], b"Exif\0\0II*\0\xff\xff\xff\xff\0\0\0\0\0\0", b"Exif\0\0"]
)
@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_damaged_exif_is_dropped_with_a_notice(tmp_path, block, extension):
    source = tmp_path / f"in{extension}"
    Image.fromarray(smooth()).save(source, exif=block)
    result = read(source)
    assert result.exif is None
    if len(block) > 6:
        assert "damaged EXIF dropped" in result.notices
    write(result, tmp_path / "out.jpg")


def test_damaged_exif_and_icc_of_a_sixteen_bit_png_are_dropped(tmp_path):
    path = tmp_path / "in.png"
    write(photo(noise(5, 6, 3, dtype=np.uint16), exif=b"Exif\0\0II*\0garbage", icc=b"no profile"), path)
    result = read(path)
    assert (result.exif, result.icc) == (None, None)
    assert len(result.notices) == 2


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("profile", [b"not a profile", icc_profile()[:100], icc_profile()[:-50]])
def test_damaged_icc_is_dropped_with_a_notice(tmp_path, extension, profile):
    source = tmp_path / f"in{extension}"
    Image.fromarray(smooth()).save(source, icc_profile=profile)
    result = read(source)
    assert result.icc is None
    assert "damaged colour profile (ICC) dropped" in result.notices


def test_a_profile_for_grey_stays_with_grey_only(tmp_path):
    source = tmp_path / "in.jpg"
    Image.fromarray(smooth()[..., 0]).save(source, icc_profile=grey_icc_profile())
    result = read(source)
    write(result, tmp_path / "out.png")
    assert read(tmp_path / "out.png").icc == grey_icc_profile()
    (notice,) = write(result, tmp_path / "out.webp")
    assert "grey" in notice
    assert read(tmp_path / "out.webp").icc is None
    Image.fromarray(smooth()).save(source, icc_profile=grey_icc_profile())
    assert read(source).icc is None


def test_exif_too_long_for_jpeg_is_dropped_with_a_notice(tmp_path):
    block = exif_block() + bytes(70_000)
    (notice,) = write(photo(smooth(), exif=block), tmp_path / "out.jpg")
    assert "64 KB" in notice
    assert write(photo(smooth(), exif=block), tmp_path / "out.png") == ()
    assert make_and_date(tmp_path / "out.png") == EXPECTED


def test_bmp_says_that_it_holds_no_metadata(tmp_path):
    (notice,) = write(photo(smooth(), icc=icc_profile()), tmp_path / "out.bmp")
    assert "BMP holds no colour profile" in notice


def test_with_pixels_keeps_everything_else(tmp_path):
    before = photo(smooth(), smooth()[..., 0], exif=exif_block(), icc=icc_profile())
    after = with_pixels(before, 255 - before.pixels)
    assert (after.exif, after.icc, after.alpha is before.alpha) == (before.exif, before.icc, True)
    assert after.pixels[0, 0, 0] == 255 - before.pixels[0, 0, 0]


@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_that_point_at_each_other_end(tmp_path, order):
    # Settings whose every entry is the settings again.
    entry = struct.pack(order + "HHII", 34665, 4, 1, 8)
    block = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, 2000) + entry * 2000 + bytes(4)
    assert exif.cleaned(block, (3, 4)) is not None
    tags = [struct.pack(order + "HHII", number, 4, 1, 8) for number in (34665, 34853, 40965)]
    (tmp_path / "in.tif").write_bytes(block[:4] + struct.pack(order + "IH", 8, 3) + b"".join(tags) + bytes(4))
    with (tmp_path / "in.tif").open("rb") as stream:
        found = tiff_tags.read(stream)
    assert len(found.exif or b"") < 500


@pytest.mark.parametrize(
    ("encoded", "word"),
    [
        (lambda: imagecodecs.jpeg8_encode(noise(8, 9, 3, dtype=np.uint16) >> 4, bitspersample=12), "12-bit JPEG"),
        (lambda: imagecodecs.ljpeg_encode(noise(8, 9, dtype=np.uint16) >> 4, bitspersample=12), "lossless JPEG"),
    ],
)
def test_unusual_jpeg_is_named(tmp_path, encoded, word):
    (tmp_path / "in.jpg").write_bytes(encoded())
    with pytest.raises(ImageError, match=word):
        read(tmp_path / "in.jpg")
