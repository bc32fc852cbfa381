"""The methods that cliphaze is compared with do what their names say."""

import numpy as np
from PIL import Image

from benchmarks.baselines import METHODS, Method, autocontrast, dark_channel, main
from tests.training.scenes import hazy, landscape
from training.metrics import psnr


def as_pixels(image):
    return np.round(255 * image).astype(np.uint8)


def test_autocontrast_fills_the_range_of_each_channel():
    rng = np.random.default_rng(0)
    stretched = autocontrast(rng.integers(90, 160, (60, 80, 3)).astype(np.uint8))
    assert stretched.min() == 0 and stretched.max() == 255
    assert (autocontrast(np.full((8, 8, 3), 77, np.uint8)) == 0).all()


def test_the_dark_channel_prior_removes_even_haze():
    clear = landscape(160, 200)
    before, after = as_pixels(hazy(clear, 1.2)), dark_channel(as_pixels(hazy(clear, 1.2)))
    assert psnr(after, as_pixels(clear)) > psnr(before, as_pixels(clear)) + 2


def test_a_photo_and_a_folder_give_the_same(tmp_path):
    (folder := tmp_path / "in").mkdir()
    (out := tmp_path / "out").mkdir()
    Image.fromarray(as_pixels(landscape(48, 64))).save(folder / "one.png")
    for method in ("autocontrast", "dark-channel"):
        main(Method(method), folder, out)
        main(Method(method), folder / "one.png", tmp_path / "alone.png")
        assert (out / "one.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
        assert np.array_equal(np.asarray(Image.open(out / "one.png")), METHODS[method](as_pixels(landscape(48, 64))))
