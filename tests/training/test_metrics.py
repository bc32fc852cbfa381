"""Metrics against closed forms."""

import numpy as np
import pytest

from training.metrics import IDENTICAL_DB, psnr, quality

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(40, 200, (32, 40, 3), np.uint8)


@pytest.mark.parametrize("offset", [1, 5, 40])
def test_psnr_of_a_constant_offset(offset):
    assert psnr(IMAGE + np.uint8(offset), IMAGE) == pytest.approx(20 * np.log10(255 / offset))


def test_psnr_pools_the_three_colours():
    one = IMAGE.copy()
    one[..., 1] += 9
    assert psnr(one, IMAGE) == pytest.approx(20 * np.log10(255 / (9 / 3**0.5)))


def test_identical_images():
    found = quality(IMAGE, IMAGE.copy())
    assert found.psnr == IDENTICAL_DB and found.ssim == pytest.approx(1) and found.ciede2000 == 0


def test_ssim_of_a_constant_image_is_its_luminance_term():
    a, b = (np.full((32, 32, 3), level, np.uint8) for level in (100, 150))
    c1 = (0.01 * 255) ** 2
    assert quality(a, b).ssim == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1), abs=1e-6)


def test_ciede2000_of_white_and_black_is_a_hundred():
    a, b = (np.full((16, 16, 3), level, np.uint8) for level in (0, 255))
    assert quality(a, b).ciede2000 == pytest.approx(100, abs=0.01)
