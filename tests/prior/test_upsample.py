import numpy as np
import pytest
import torch

from cliphaze_cli.prior.upsample import upsample_density
from tests.prior.tiny_clip import crisp


@pytest.mark.parametrize("size", [(300, 401), (1200, 90), (20, 30), (1, 1)])
@pytest.mark.parametrize("grid", [(24, 32), (1, 1), (768, 512)])
def test_any_map_fits_any_photo(size, grid):
    density = np.random.default_rng(0).random(grid, dtype=np.float32)
    full = upsample_density(density, crisp(*size))
    assert full.shape == size and full.dtype == np.float32
    assert full.min() >= 0 and full.max() <= 1


def test_a_constant_map_stays_constant():
    full = upsample_density(np.full((7, 9), 0.3, np.float32), crisp(211, 300))
    np.testing.assert_allclose(full, 0.3, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_blurred_step_moves_to_the_photos_edge(dtype):
    pixels = np.full((240, 320, 3), 40, np.uint8)
    pixels[:, 190:] = 200  # the edge lies inside a cell of the map
    true = (np.arange(320) >= 190).astype(np.float32)
    density = true.reshape(16, 20).mean(axis=1)[None].repeat(12, axis=0)  # (12, 16): what a coarse map can know
    scale = {np.uint8: 1, np.uint16: 257, np.float32: np.float32(1 / 255)}[dtype]
    full = upsample_density(density, pixels.astype(dtype) * scale)
    bilinear = torch.nn.functional.interpolate(torch.from_numpy(density)[None, None], (240, 320), mode="bilinear")
    near = slice(170, 210)

    def error(estimate):
        return float(np.abs(estimate[:, near] - true[near]).mean())

    assert error(full) < 0.5 * error(bilinear[0, 0].numpy())
    assert full[:, 192].mean() - full[:, 187].mean() > 0.5
