"""Synthetic haze obeys the model of haze, and each kind does what it is for."""

import pytest
import torch

from training import haze
from training.haze import KINDS, MIN_TRANSMISSION, Draw, add_haze


def synthesise(n=64, seed=0, depth=None, size=(24, 32)):
    generator = torch.Generator().manual_seed(seed)
    clear = torch.rand(n, 3, *size, generator=generator)
    if depth is None:
        depth = torch.linspace(1, 0, size[0])[:, None].expand(n, 1, *size)
    return clear, add_haze(clear, depth, generator)


@pytest.fixture
def only(monkeypatch):
    """All samples are of one kind."""
    return lambda kind: monkeypatch.setattr(haze, "KINDS", {name: float(name == kind) for name in KINDS})


def test_the_model_of_haze_holds():
    clear, result = synthesise()
    t, A = result.transmission, result.airlight
    assert t.shape == (64, 1, 24, 32) and A.shape == result.hazy.shape == clear.shape
    torch.testing.assert_close(result.hazy, result.illumination * clear * t + A * (1 - t))
    dimmed = result.illumination.flatten() < 1
    assert 0.15 < dimmed.float().mean() < 0.5 and result.illumination.min() > 0.55


def test_ranges():
    _, result = synthesise(n=256)
    assert result.transmission.min() >= MIN_TRANSMISSION and result.transmission.max() <= 1
    assert result.airlight.min() >= 0.3 and result.airlight.max() <= 1
    assert result.hazy.min() >= 0 and result.hazy.max() <= 1
    assert result.transmission.mean((1, 2, 3)).std() > 0.15  # from thin to dense


def test_the_kinds_have_their_shares():
    assert sum(KINDS.values()) == pytest.approx(1)
    _, result = synthesise(n=3000, size=(4, 4))
    none = (result.transmission == 1).flatten(1).all(1).float().mean()
    assert abs(none - KINDS["none"]) < 0.03


def test_no_haze_leaves_the_photo_alone(only):
    only("none")
    clear, result = synthesise()
    assert (result.transmission == 1).all()
    torch.testing.assert_close(result.hazy, clear)


def test_light_haze_is_light(only):
    only("light")
    _, result = synthesise(n=256)
    assert result.transmission.min() > 0.2
    assert 0.75 < result.transmission.mean() < 0.98


def test_dense_haze_covers_near_things_too(only):
    only("dense")
    _, dense = synthesise(n=256)
    only("outdoor")
    _, outdoor = synthesise(n=256)
    near = (..., -1, slice(None))  # the lowest row, where depth is 0
    assert dense.transmission[near].mean() < outdoor.transmission[near].mean() - 0.1
    assert outdoor.transmission[near].median() > 0.8


def test_outdoor_haze_grows_with_depth(only):
    only("outdoor")
    _, result = synthesise(n=256)
    rows = result.transmission.mean((0, 1, 3))
    assert (rows.diff() > 0).float().mean() > 0.9 and rows[-1] - rows[0] > 0.3


def test_smoke_does_not_follow_depth(only):
    only("smoke")
    _, result = synthesise(n=128)
    assert result.transmission.var(3).mean() > 1e-3  # depth is constant along rows


def test_the_same_seed_draws_the_same_haze():
    for x, y in zip(vars(synthesise(8, seed=5)[1]).values(), vars(synthesise(8, seed=5)[1]).values(), strict=True):
        assert torch.equal(x, y)
    assert not torch.equal(synthesise(8, seed=5)[1].hazy, synthesise(8, seed=6)[1].hazy)


def test_draws():
    draw = Draw(4000, torch.Generator().manual_seed(0))
    uniform, logarithmic, chance = draw.uniform(2, 3, channels=2), draw.log_uniform(0.1, 10), draw.chance(0.25)
    assert uniform.shape == (4000, 2, 1, 1) and uniform.min() >= 2 and uniform.max() <= 3
    assert abs(uniform.mean() - 2.5) < 0.02
    assert logarithmic.min() >= 0.1 and logarithmic.max() <= 10 and abs(logarithmic.log().mean()) < 0.1
    assert chance.dtype == torch.bool and abs(chance.float().mean() - 0.25) < 0.03


def test_fractal_noise_is_smooth_and_spans_zero_to_one():
    noise = Draw(6, torch.Generator().manual_seed(0)).fractal(96, 64)
    assert noise.shape == (6, 1, 96, 64)
    assert (noise.amin((2, 3)) == 0).all() and (noise.amax((2, 3)) > 0.999).all()
    assert noise.diff(dim=2).abs().mean() < 0.1 * noise.std()
