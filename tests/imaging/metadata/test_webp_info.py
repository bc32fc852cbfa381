"""WebP stays as it was compressed."""

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.metadata import webp_info
from tests.imaging.samples import noise, smooth


@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_stays_lossless(tmp_path, alpha):
    samples = noise(48, 64, 4 if alpha else 3)
    Image.fromarray(samples).save(tmp_path / "in.webp", lossless=True, exact=True)
    result = read(tmp_path / "in.webp")
    assert result.lossless
    write(result, tmp_path / "out.webp")
    with Image.open(tmp_path / "out.webp") as image:
        np.testing.assert_array_equal(np.asarray(image), samples)


def test_a_quality_that_is_asked_for_holds(tmp_path):
    Image.fromarray(noise(48, 64, 3)).save(tmp_path / "in.webp", lossless=True)
    write(read(tmp_path / "in.webp"), tmp_path / "out.webp", quality=50)
    assert not webp_info.is_lossless((tmp_path / "out.webp").read_bytes())


@pytest.mark.parametrize("quality", [10, 40, 60, 75, 80, 90, 95])
@pytest.mark.parametrize("alpha", [False, True])
def test_the_sources_quality_is_found(tmp_path, quality, alpha):
    picture = np.dstack([smooth(), noise(48, 64)]) if alpha else smooth()
    Image.fromarray(picture).save(tmp_path / "in.webp", quality=quality)
    assert read(tmp_path / "in.webp").quality == pytest.approx(quality, abs=8)


def test_an_output_of_the_same_pixels_is_about_as_large_as_its_source(tmp_path):
    rng = np.random.default_rng(0)
    picture = np.clip(np.kron(smooth(), np.ones((8, 8, 1))) + rng.normal(0, 8, (384, 512, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "in.webp", quality=80)
    write(read(tmp_path / "in.webp"), tmp_path / "out.webp")
    assert (tmp_path / "out.webp").stat().st_size < 1.3 * (tmp_path / "in.webp").stat().st_size


@pytest.mark.parametrize("length", range(0, 80, 7))
def test_cut_off_files_tell_nothing(tmp_path, length):
    Image.fromarray(smooth()).save(tmp_path / "in.webp")
    webp_info.quality_of((tmp_path / "in.webp").read_bytes()[:length])
