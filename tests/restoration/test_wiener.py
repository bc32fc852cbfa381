"""Noise is told from detail, and not amplified with it."""

import numpy as np
import pytest
import torch

from cliphaze_cli.restoration import wiener
from cliphaze_cli.restoration.apply import dehaze_pixels
from cliphaze_cli.restoration.pixels import rows_as_tensor, shrink
from cliphaze_cli.restoration.wiener import CELL, MARGIN, NOISE, local_statistics

SCALE = {np.uint8: 255, np.uint16: 65535, np.float32: 1}


def noisy(values: np.ndarray, strength: float = NOISE, dtype=np.uint8) -> np.ndarray:
    """Grey values (H, W) in [0, 1] as a photo with noise of that standard deviation, the same in all colours."""
    pixels = (values + strength * np.random.default_rng(0).standard_normal(values.shape)) * SCALE[dtype]
    return (pixels if dtype == np.float32 else pixels.round()).astype(dtype)[..., None].repeat(3, 2)


def dehazed(pixels: np.ndarray, K: float, size: tuple[int, int]) -> np.ndarray:
    """By uniform maps that are known at `size`, in [0, 1]; B is such that 0.5 stays 0.5."""
    maps = torch.full((1, 3, *size), K)
    result = dehaze_pixels(pixels, rows_as_tensor(shrink(pixels, *size)), maps, 0.5 * maps)
    return result / np.float64(SCALE[pixels.dtype.type])


@pytest.mark.parametrize("dtype", SCALE)
def test_means_and_shares(dtype):
    values = np.full((64, 96), 0.5)
    values[:, 48:] += 0.2 * (np.arange(64)[:, None] + np.arange(48)) % 2  # a chequered half
    local = local_statistics(noisy(values, dtype=dtype))
    assert local.mean.shape == (18, 26, 3) and local.detail.shape == (18, 26) and local.covered == (72, 104)
    mean = local.mean[1:-1, 1:-1] / SCALE[dtype]
    assert abs(mean[:, :11].mean() - 0.5) < 1e-3 and mean[:, :11].std() < 1.5 * NOISE / CELL
    assert local.detail[:, :11].mean() < 0.6 and local.detail[:, 15:].min() > 0.98


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (37, 50), (4, 400), (129, 8)])
def test_cells_that_lack_pixels_repeat_the_last(shape, monkeypatch):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    local = local_statistics(pixels)
    rows, columns = (pixels - 2 * MARGIN for pixels in local.covered)
    assert 0 <= rows - shape[0] < CELL and 0 <= columns - shape[1] < CELL
    padded = np.pad(pixels, ((0, rows - shape[0]), (0, columns - shape[1]), (0, 0)), mode="edge")
    cells = padded.reshape(rows // CELL, CELL, columns // CELL, CELL, 3)
    np.testing.assert_allclose(local.mean[1:-1, 1:-1], cells.mean((1, 3)), rtol=1e-5)
    monkeypatch.setattr(wiener, "BAND_PIXELS", 1)
    banded = local_statistics(pixels)
    np.testing.assert_allclose(banded.mean, local.mean, rtol=1e-6)
    np.testing.assert_allclose(banded.detail, local.detail, rtol=1e-4)


@pytest.mark.parametrize("dtype", SCALE)
@pytest.mark.parametrize("size", [(96, 128), (24, 32)])
def test_noise_in_a_smooth_sky_is_not_amplified(dtype, size):
    pixels = noisy(np.full((96, 128), 0.5), dtype=dtype)
    before, after = np.std(pixels / SCALE[dtype]), np.std(dehazed(pixels, 4, size))
    assert after < 3.4 * before  # instead of 5 times


@pytest.mark.parametrize("size", [(96, 128), (24, 32)])
def test_edges_are(size):
    values = np.full((96, 128), 0.45)
    values[:, 64:] = 0.55
    clear = dehazed(noisy(values), 3, size).mean((0, 2))
    step = clear[64:].mean() - clear[:64].mean()
    assert abs(step - 0.4) < 0.01
    assert clear[65] - clear[62] > 0.95 * step  # as steep as it was


@pytest.mark.parametrize("size", [(64, 256), (16, 64)])
def test_a_gradient_stays_one_up_to_the_border(size):
    values = np.linspace(0.4, 0.55, 64)[:, None] + np.linspace(0, 0.05, 256)
    clear = dehazed(noisy(values, 0, np.float32), 1.5, size)
    np.testing.assert_allclose(clear[..., 0], 0.5 + 2.5 * (values - 0.5), atol=1e-4)
