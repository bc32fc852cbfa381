"""A JPEG is compressed anew about as it was."""

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from cliphaze_cli.imaging.files import read, write
from tests.imaging.samples import noise, smooth


@pytest.mark.parametrize("quality", [20, 30, 50, 60, 75, 85, 90, 95, 99])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": "4:4:4"}])
def test_the_sources_quality_is_found(tmp_path, quality, options):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", quality=quality, **options)
    assert read(tmp_path / "in.jpg").quality == pytest.approx(quality, abs=3)


def test_odd_tables_have_a_quality_too(tmp_path):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", qtables=[[255] * 64, [1] * 64])
    assert read(tmp_path / "in.jpg").quality == 11
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", qtables=[[1] * 64, [1] * 64])
    assert read(tmp_path / "in.jpg").quality == 99


@pytest.mark.parametrize("quality", [75, 80, 90, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_an_output_of_the_same_pixels_is_about_as_large_as_its_source(tmp_path, quality, subsampling):
    rng = np.random.default_rng(0)
    picture = np.clip(np.kron(smooth(), np.ones((8, 8, 1))) + rng.normal(0, 8, (384, 512, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "in.jpg", quality=quality, subsampling=subsampling)
    write(read(tmp_path / "in.jpg"), tmp_path / "out.jpg")
    before, after = ((tmp_path / name).stat().st_size for name in ("in.jpg", "out.jpg"))
    assert before / 1.3 < after < 1.3 * before
    with Image.open(tmp_path / "out.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == (2 if subsampling == "4:2:0" else 0)


def test_a_coarse_source_does_not_make_its_output_as_coarse(tmp_path):
    Image.fromarray(noise(64, 64, 3)).save(tmp_path / "in.jpg", quality=20)
    write(read(tmp_path / "in.jpg"), tmp_path / "out.jpg")
    assert read(tmp_path / "out.jpg").quality == 75


def test_another_format_gets_its_usual_quality(tmp_path):
    Image.fromarray(noise(64, 64, 3)).save(tmp_path / "in.webp", quality=75)
    write(read(tmp_path / "in.webp"), tmp_path / "out.jpg")
    assert read(tmp_path / "out.jpg").quality == 95
