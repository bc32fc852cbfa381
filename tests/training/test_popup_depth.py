"""Pop-up depth of a synthetic landscape."""

import numpy as np
import pytest

from tests.training.scenes import landscape
from training.popup_depth import popup_depth


@pytest.fixture(scope="module")
def depths() -> np.ndarray:
    """Six draws for two landscapes, (6, 120, 160)."""
    return np.stack([popup_depth(landscape(120, 160, seed % 2), np.random.default_rng(seed)) for seed in range(6)])


def test_range(depths):
    assert depths.shape == (6, 120, 160)
    assert depths.min() >= 0 and depths.max() <= 1


def test_the_sky_is_far(depths):
    assert (depths[:, 5:40].mean((1, 2)) > 0.9).all()
    assert depths[:, 2:26].std((1, 2)).max() < 0.02  # above the trees


def test_the_ground_recedes(depths):
    near, middle, far = (depths[:, rows].mean((1, 2)) for rows in (slice(110, 120), slice(75, 85), slice(5, 40)))
    assert (near < middle).all() and (middle < far).all()
    assert near.max() < 0.4


def test_the_edge_of_the_sky_is_sharp(depths):
    jump = np.abs(np.diff(depths[:, 35:70], axis=1)).max(1)  # each column's steepest step near the ridge
    assert np.median(jump) > 0.1


def test_draws_differ_and_repeat():
    photo = landscape(120, 160)
    first, second = (popup_depth(photo, np.random.default_rng(seed)) for seed in (0, 1))
    assert np.abs(first - second).mean() > 0.01
    assert np.array_equal(first, popup_depth(photo, np.random.default_rng(0)))


def test_a_photo_without_any_structure():
    depth = popup_depth(np.full((60, 80, 3), 0.5, np.float32), np.random.default_rng(0))
    assert depth.shape == (60, 80) and np.isfinite(depth).all()
