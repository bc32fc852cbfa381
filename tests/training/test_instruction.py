"""The degraded density: of CLIP's coarseness, in range, and often absent."""

import torch

from training.instruction import ABSENT, degraded_density
from training.recipe import Instructed


def draw(transmission, seed=0, **options):
    return degraded_density(transmission, Instructed(**options), torch.Generator().manual_seed(seed))


def test_samples_do_without_by_the_share():
    density = draw(torch.rand(600, 1, 8, 8))
    absent = (density == ABSENT).flatten(1)
    assert torch.equal(absent.all(1), absent.any(1))  # wholly absent or wholly present
    assert abs(absent.all(1).float().mean() - (1 - Instructed().present)) < 0.07
    present = density[~absent.all(1)]
    assert present.min() >= 0 and present.max() <= 1


def test_the_share_can_be_chosen():
    assert (draw(torch.rand(40, 1, 8, 8), present=0) == ABSENT).all()
    assert (draw(torch.rand(40, 1, 8, 8), present=1) >= 0).all()


def test_what_is_present_follows_the_haze_roughly():
    # Clear on the left, dense on the right: the map rises, but for the few that are useless on purpose.
    t = torch.linspace(1, 0.1, 64).expand(300, 1, 48, 64)
    density = draw(t, present=1, useless=0.1, saturated=0)
    rises = density[..., 32:].mean((1, 2, 3)) > density[..., :32].mean((1, 2, 3))
    assert rises.float().mean() > 0.88
    error = (density - (1 - t)).abs().mean((1, 2, 3))
    assert error.mean() > 0.03  # the tone is not to be trusted


def test_useless_maps_do_not_follow_the_haze():
    t = torch.linspace(1, 0.1, 64).expand(300, 1, 48, 64)
    density = draw(t, present=1, useless=1)
    rises = density[..., 32:].mean((1, 2, 3)) > density[..., :32].mean((1, 2, 3))
    assert 0.2 < rises.float().mean() < 0.5  # fewer than by chance, as some say the opposite of the truth


def test_saturated_maps_have_little_between_nothing_and_everything():
    t = torch.linspace(1, 0.1, 64).expand(300, 1, 48, 64)

    def extreme(saturated):
        density = draw(t, present=1, useless=0, saturated=saturated)
        return float(((density < 0.05) | (density > 0.95)).float().mean())

    assert extreme(1) > 0.5 > 2 * extreme(0)


def test_useless_maps_are_of_every_kind():
    t = torch.linspace(1, 0.1, 64).expand(400, 3, 48, 64)
    density = draw(t, present=1, useless=1, saturated=0)
    spread = density.amax((1, 2, 3)) - density.amin((1, 2, 3))
    assert 0.1 < (spread < 1e-6).float().mean() < 0.35
    flat = density[spread < 1e-6].mean((1, 2, 3))
    assert flat.min() < 0.05 and flat.max() > 0.95
    falls = (density[..., :16].mean((1, 2, 3)) > density[..., -16:].mean((1, 2, 3)) + 0.3).float().mean()
    rises = (density[..., :16].mean((1, 2, 3)) < density[..., -16:].mean((1, 2, 3)) - 0.3).float().mean()
    assert falls > 0.15 and falls > 2 * rises  # inverted ones among them


def test_it_is_coarse():
    t = (torch.rand(50, 1, 64, 64, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    density = draw(t, present=1, useless=0, saturated=0)
    assert density.diff(dim=3).abs().mean() < 0.1  # the true map changes by 0.5 from pixel to pixel


def test_the_same_seed_draws_the_same():
    t = torch.rand(10, 1, 16, 16)
    assert torch.equal(draw(t, 3), draw(t, 3)) and not torch.equal(draw(t, 3), draw(t, 4))
