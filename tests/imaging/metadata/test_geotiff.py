"""Maps stay maps: georeference, NoData and further bands of TIFF files."""

import numpy as np
import pytest
import tifffile

from cliphaze_cli.imaging.files import read, with_pixels, write
from tests.imaging.samples import CASES, noise

GEO = (33550, 33922, 34735, 34737, 42113)
TAGS = [
    (33550, "d", 3, (0.5, 0.5, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 5150000.0, 0.0), True),
    (34735, "H", 8, (1, 1, 0, 1, 3072, 0, 1, 32632), True),
    (34737, "s", 0, "WGS 84 / UTM zone 32N|", True),
    (42113, "s", 0, "0", True),
]


def tags_of(path, numbers=GEO):
    with tifffile.TiffFile(path) as file:
        return {number: file.pages[0].tags[number].value for number in numbers if number in file.pages[0].tags}


@pytest.mark.parametrize("name", ["geo8.tif", "geo8_nir.tif"])
def test_the_georeference_survives(tmp_path, name):
    photo = read(CASES / name)
    assert photo.notices == write(photo, tmp_path / "out.tif") == ()
    assert tags_of(tmp_path / "out.tif") == tags_of(CASES / name)
    assert len(tags_of(CASES / name)) == 5
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), tifffile.imread(CASES / name))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_whatever_the_layout(tmp_path, dtype, tile, big, order):
    samples = noise(40, 50, 5, dtype=dtype)
    options = {"tile": tile, "bigtiff": big, "byteorder": order, "metadata": None, "extratags": TAGS}
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", compression="lzw", **options)
    photo = read(tmp_path / "in.tif")
    assert photo.notices == write(photo, tmp_path / "out.tif") == ()
    assert tags_of(tmp_path / "out.tif") == tags_of(tmp_path / "in.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        np.testing.assert_array_equal(file.asarray(), samples)
        assert [int(kind) for kind in file.pages[0].extrasamples] == [0, 0]


def test_overviews_of_cloud_optimised_files_are_dropped_and_said(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        samples = noise(64, 64, 3)
        file.write(samples, photometric="rgb", tile=(32, 32), metadata=None, extratags=TAGS)
        file.write(samples[::2, ::2], photometric="rgb", tile=(32, 32), metadata=None, subfiletype=1)
    photo = read(tmp_path / "in.tif")
    (notice,) = photo.notices
    assert "overviews" in notice
    assert photo.pixels.shape == (64, 64, 3)
    write(photo, tmp_path / "out.tif")
    assert tags_of(tmp_path / "out.tif") == tags_of(tmp_path / "in.tif")


def test_bands_without_names_are_dehazed_as_red_green_blue_and_said(tmp_path):
    samples = noise(20, 30, 5)
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="minisblack", planarconfig="contig", metadata=None)
    photo = read(tmp_path / "in.tif")
    assert "first three of 5 bands" in photo.notices[0]
    np.testing.assert_array_equal(photo.pixels, samples[..., :3])
    np.testing.assert_array_equal(photo.bands, samples[..., 3:])
    write(with_pixels(photo, 255 - photo.pixels), tmp_path / "out.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif")[..., 3:], samples[..., 3:])


def test_alpha_and_further_bands_stay_apart(tmp_path):
    samples = noise(20, 30, 5, dtype=np.uint16)
    kinds = ["unspecified", "unassalpha"]
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", extrasamples=kinds, metadata=None)
    photo = read(tmp_path / "in.tif")
    np.testing.assert_array_equal(photo.alpha, samples[..., 4])
    assert photo.bands is not None
    np.testing.assert_array_equal(photo.bands[..., 0], samples[..., 3])
    write(photo, tmp_path / "out.tif")
    again = read(tmp_path / "out.tif")
    np.testing.assert_array_equal(again.alpha, photo.alpha)
    np.testing.assert_array_equal(again.bands, photo.bands)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".avif", ".heic", ".bmp"])
def test_formats_that_hold_none_of_it_say_so(tmp_path, extension):
    notices = write(read(CASES / "geo8_nir.tif"), tmp_path / f"out{extension}")
    assert any("georeference" in notice for notice in notices)
    assert any("neither colour nor alpha" in notice for notice in notices)


def test_pixels_without_data_stay_so_and_no_others_become_such(tmp_path):
    samples = noise(20, 30, 3) | 1
    samples[:10] = 0
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", metadata=None, extratags=TAGS)
    photo = read(tmp_path / "in.tif")
    dehazed = np.full_like(photo.pixels, 7)
    dehazed[15] = 0
    result = with_pixels(photo, dehazed).pixels
    assert (result[:10] == 0).all()
    assert (result[15] == 1).all()
    assert (result[11:15] == 7).all()


def test_statistics_of_the_old_pixels_do_not_travel(tmp_path):
    items = '<Item name="AREA">roof</Item><Item name="STATISTICS_MEAN" sample="0" role="x">7</Item>'
    tags = [*TAGS, (42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True)]
    tifffile.imwrite(tmp_path / "in.tif", noise(4, 5, 3), photometric="rgb", metadata=None, extratags=tags)
    write(read(tmp_path / "in.tif"), tmp_path / "out.tif")
    metadata = tags_of(tmp_path / "out.tif", (42112,))[42112]
    assert metadata == '<GDALMetadata><Item name="AREA">roof</Item></GDALMetadata>'


def test_a_map_that_is_turned_upright_is_no_map_any_more_and_says_so(tmp_path):
    tags = [*TAGS, (274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "in.tif", noise(4, 5, 3), photometric="rgb", metadata=None, extratags=tags)
    photo = read(tmp_path / "in.tif")
    assert photo.pixels.shape == (5, 4, 3)
    assert any("georeference" in notice for notice in photo.notices)
    write(photo, tmp_path / "out.tif")
    assert not tags_of(tmp_path / "out.tif")


def test_private_tags_of_other_programs_survive(tmp_path):
    tags = [(48022, "s", 0, "camera 3", True), (65000 + 7, "H", 2, (1, 2), True)]
    tifffile.imwrite(tmp_path / "in.tif", noise(4, 5, 3), photometric="rgb", metadata=None, extratags=tags)
    write(read(tmp_path / "in.tif"), tmp_path / "out.tif")
    assert tags_of(tmp_path / "out.tif", (48022, 65007)) == {48022: "camera 3", 65007: (1, 2)}
    (notice,) = write(read(tmp_path / "in.tif"), tmp_path / "out.jpg")
    assert "TIFF tags 48022, 65007 dropped" in notice


@pytest.mark.parametrize("target", ["out.tif", "out.jpg"])
def test_texts_keep_their_bytes(tmp_path, target):
    write(read(CASES / "tiff_utf8_copyright.tif"), tmp_path / target)
    data = (tmp_path / target).read_bytes()
    for text in ("© Müller 2024", "José Ñandú", "東京 霧"):
        assert text.encode() in data


def test_how_a_program_laid_out_its_arrays_is_not_told_of_the_new_file(tmp_path):
    samples = np.ascontiguousarray(np.moveaxis(noise(6, 9, 3), 2, 0))
    tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb", planarconfig="separate")
    write(read(tmp_path / "in.tif"), tmp_path / "out.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), np.moveaxis(samples, 0, 2))
