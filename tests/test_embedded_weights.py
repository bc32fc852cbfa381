"""The embedded weights remove haze, and leave clear photos alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cliphaze_cli import Dehazer
from cliphaze_cli.hub import resolve_weights
from cliphaze_cli.system.errors import WeightsError
from tests.training.scenes import hazy, landscape

Pixels = NDArray[np.uint8]
MIN_MEAN_GAIN = 5.0  # dB
MIN_CLEAR_PSNR = 27.0  # dB, of a clear photo's output against itself
MAX_CHANGE_OF_A_CONSTANT = 8  # of 255
SIZE = (240, 320)


@pytest.fixture(scope="module")
def dehazer() -> Dehazer:
    try:
        weights = resolve_weights("tiny")
    except WeightsError as error:
        if "missing" not in str(error):
            raise
        pytest.skip("the embedded weights are not trained yet")
    return Dehazer.from_pretrained("tiny", weights=weights, device="cpu")


def as_pixels(image: NDArray) -> Pixels:
    return np.round(255 * image).astype(np.uint8)


def psnr(image: Pixels, truth: Pixels) -> float:
    return float(20 * np.log10(255 / np.sqrt(np.mean((image.astype(float) - truth) ** 2))))


def gain(dehazer: Dehazer, seed: int, beta: float, airlight: float) -> float:
    clear = landscape(*SIZE, seed)
    before, truth = as_pixels(hazy(clear, beta, airlight)), as_pixels(clear)
    return psnr(dehazer.dehaze(before).image, truth) - psnr(before, truth)


def test_haze_is_removed(dehazer):
    gains = [gain(dehazer, seed, beta, airlight) for seed, beta, airlight in ((0, 0.8, 0.85), (1, 1.2, 0.75))]
    assert min(gains) > 0 and np.mean(gains) >= MIN_MEAN_GAIN


def test_a_clear_photo_is_left_nearly_as_it_is(dehazer):
    clear = as_pixels(landscape(*SIZE, 2))
    assert psnr(dehazer.dehaze(clear).image, clear) > MIN_CLEAR_PSNR


def test_denser_haze_is_estimated_as_denser(dehazer):
    clear = landscape(*SIZE, 3)
    densities = [dehazer.estimate_density(as_pixels(hazy(clear, beta))).mean() for beta in (0.0, 0.6, 1.5)]
    assert densities[0] + 0.05 < densities[1] < densities[2] - 0.05


@pytest.mark.parametrize("value", [255, 210, 128, 0])
def test_a_picture_without_structure_stays_as_it_is(dehazer, value):
    image = dehazer.dehaze(np.full((*SIZE, 3), value, np.uint8)).image.astype(int)
    assert np.abs(image - value).max() <= MAX_CHANGE_OF_A_CONSTANT


def test_an_evenly_clouded_sky_stays_as_it_is(dehazer):
    rows = np.linspace(235, 205, SIZE[0])[:, None, None]
    sky = np.broadcast_to(rows, (*SIZE, 3)).round().astype(np.uint8)
    assert np.abs(dehazer.dehaze(sky).image.astype(int) - sky).mean() <= MAX_CHANGE_OF_A_CONSTANT
