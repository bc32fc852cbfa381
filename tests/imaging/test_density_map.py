"""What people and programs find in exported density maps."""

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.imaging import density_map
from cliphaze_cli.imaging.colourmap import coloured
from cliphaze_cli.imaging.density_map import density_paths, save_density
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import names_in, smooth

TITLE = "haze density (network estimate, not CLIP)"


def ramp(height: int = 48, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))


def test_values_are_16_bit_grey_and_npy_is_exact(tmp_path):
    stem = tmp_path / "IMG_1.2"
    written = save_density(ramp(), smooth(), stem, npy=True, title=TITLE)
    assert written == density_paths(stem, npy=True)
    assert names_in(tmp_path) == [
        "IMG_1.2.density-overlay.png",
        "IMG_1.2.density.npy",
        "IMG_1.2.density.png",
    ]
    with Image.open(written[0]) as image:
        assert image.mode == "I;16"
        values = np.asarray(image)
    np.testing.assert_array_equal(values, np.rint(ramp() * 65535.0))
    assert (values[0, 0], values[0, -1]) == (0, 65535)
    np.testing.assert_array_equal(np.load(written[2]), ramp())


def test_without_npy_only_pictures(tmp_path):
    assert save_density(ramp(), smooth(), tmp_path / "a", title=TITLE) == density_paths(tmp_path / "a")
    assert len(names_in(tmp_path)) == 2


def test_values_outside_the_range_are_clipped(tmp_path):
    values = np.array([[-1, 0.5, 2, np.nan]], np.float32)
    paths = save_density(values, np.zeros((1, 4, 3), np.uint8), tmp_path / "a", title=TITLE)
    np.testing.assert_array_equal(np.asarray(Image.open(paths[0])), [[0, 32768, 65535, 0]])


def overlay(tmp_path, height: int, width: int, dtype: type = np.uint8) -> np.ndarray:
    paths = save_density(ramp(height, width), np.zeros((height, width, 3), dtype), tmp_path / "a", title=TITLE)
    with Image.open(paths[1]) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_denser_haze_looks_lighter(tmp_path, dtype):
    picture = overlay(tmp_path, 400, 600, dtype)[:400, :600].mean(axis=(0, 2))
    assert picture[590] > picture[300] > picture[10]


@pytest.mark.parametrize(("height", "width"), [(3000, 1000), (1000, 3000)])
def test_large_photos_give_an_overlay_of_bounded_size(tmp_path, height, width):
    picture = overlay(tmp_path, height, width)
    assert 2048 <= max(picture.shape) <= 2048 + 200


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 300), (300, 5), (900, 1400)])
def test_the_legend_is_there_at_any_size(tmp_path, height, width):
    picture = overlay(tmp_path, height, width)
    assert picture.shape[1] >= max(width, 300)
    legend = picture[height:].astype(int)
    assert legend.shape[0] >= 50
    for colour in coloured(np.array([0.02, 0.25, 0.5, 0.75, 0.98])):
        assert (np.abs(legend - colour).sum(axis=2) <= 12).any()
    title_ink = (legend[: legend.shape[0] // 3].sum(axis=2) < 200).sum()
    assert title_ink > 100


def test_the_colour_map_rises_in_lightness():
    table = coloured(np.linspace(0, 1, 256)).astype(float) / 255
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    assert (np.diff(linear @ (0.2126, 0.7152, 0.0722)) > 0).all()


def test_a_map_of_another_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must match"):
        save_density(ramp(4, 5), smooth(), tmp_path / "a", title=TITLE)


def test_a_failure_leaves_nothing_half_written(tmp_path, monkeypatch):
    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(density_map, "_overlay", fail)
    with pytest.raises(ImageError, match="no space left"):
        save_density(ramp(), smooth(), tmp_path / "a", title=TITLE)
    assert names_in(tmp_path) == []
