"""Synthetic haze obeys the model of haze, and each kind does what it is for."""

import torch

from training.haze import KINDS, MIN_TRANSMISSION, Draw, add_haze
from training.recipe import HazeMix

DEFAULT = HazeMix()


def synthesise(n=64, seed=0, depth=None, size=(24, 32), mix=DEFAULT, places=True):
    generator = torch.Generator().manual_seed(seed)
    clear = torch.rand(n, 3, *size, generator=generator)
    if depth is None:
        depth = torch.linspace(1, 0, size[0])[:, None].expand(n, 1, *size)
    return clear, add_haze(clear, depth, torch.tensor([places] * n), mix, generator)


def only(kind, **options):
    """A mix of one kind alone."""
    return HazeMix(**{name: float(name == kind) for name in KINDS}, **{"apart": 0, **options})


def test_the_model_of_haze_holds():
    clear, result = synthesise(mix=HazeMix(scattering=0, sky=0))
    t, A = result.transmission, result.airlight
    assert t.shape == A.shape == result.hazy.shape == clear.shape
    torch.testing.assert_close(result.hazy, result.illumination * clear * t + A * (1 - t))
    dimmed = result.illumination.flatten() < 1
    assert 0.15 < dimmed.float().mean() < 0.5 and result.illumination.min() > 0.55


def test_ranges():
    _, result = synthesise(n=256)
    assert result.transmission.min() >= MIN_TRANSMISSION and result.transmission.max() <= 1
    assert result.airlight.min() >= 0.2 and result.airlight.max() <= 1
    assert result.hazy.min() >= 0 and result.hazy.max() <= 1
    assert result.transmission.mean((1, 2, 3)).std() > 0.15  # from thin to dense


def test_the_kinds_have_their_shares():
    _, result = synthesise(n=3000, size=(4, 4))
    none = (result.transmission == 1).flatten(1).all(1).float().mean()
    assert abs(none - DEFAULT.none / sum(getattr(DEFAULT, kind) for kind in KINDS)) < 0.03


def test_kinds_may_be_kept_apart():
    # With the depth of one place near the camera, outdoor haze shows nothing there and haze in a room does.
    near = torch.zeros(400, 1, 4, 4)

    def hazy_share(apart: float, places: bool) -> float:
        mix = HazeMix(**dict.fromkeys(KINDS, 0.0) | {"outdoor": 0.5, "room": 0.5}, apart=apart, patchy=0)
        _, result = synthesise(n=400, size=(4, 4), depth=near, mix=mix, places=places)
        return float((result.transmission.amax((1, 2, 3)) < 0.9).float().mean())

    together, of_places, of_things = hazy_share(0, True), hazy_share(1, True), hazy_share(1, False)
    assert hazy_share(0, False) == together
    assert of_places < together - 0.2 and of_things > together + 0.2


def test_no_haze_leaves_the_photo_alone():
    clear, result = synthesise(mix=only("none", scattering=1))
    assert (result.transmission == 1).all()
    torch.testing.assert_close(result.hazy, clear)


def test_light_haze_is_light():
    _, result = synthesise(n=256, mix=only("light"))
    assert result.transmission.min() > 0.15
    assert 0.75 < result.transmission.mean() < 0.98


def test_dense_haze_covers_near_things_too():
    _, dense = synthesise(n=256, mix=only("dense"))
    _, outdoor = synthesise(n=256, mix=only("outdoor"))
    near = (..., -1, slice(None))  # the lowest row, where depth is 0
    assert dense.transmission[near].mean() < outdoor.transmission[near].mean() - 0.1
    assert outdoor.transmission[near].median() > 0.8


def test_outdoor_haze_grows_with_depth():
    _, result = synthesise(n=256, mix=only("outdoor"))
    rows = result.transmission.mean((0, 1, 3))
    assert (rows.diff() > 0).float().mean() > 0.9 and rows[-1] - rows[0] > 0.3


def test_smoke_does_not_follow_depth():
    _, result = synthesise(n=128, mix=only("smoke"))
    assert result.transmission.var(3).mean() > 1e-3  # depth is constant along rows


def test_fog_is_grey_and_smoke_dims_blue_first():
    _, fog = synthesise(n=128, mix=only("smoke", fine_smoke=0))
    assert (fog.transmission[:, :1] == fog.transmission).all()
    _, smoke = synthesise(n=128, mix=only("smoke", fine_smoke=1))
    red, green, blue = smoke.transmission.unbind(1)
    assert (red >= green).all() and (green >= blue).all() and (red - blue).mean() > 0.1


def test_the_spectrum_is_weaker_where_smoke_is_dense():
    _, result = synthesise(n=256, mix=only("smoke", fine_smoke=1))
    tau = -result.transmission.log()
    ratio = tau[:, 2] / tau[:, 0].clamp_min(1e-4)
    seen = tau.amax(1) < 2.9  # where the least transmission does not hide the ratio
    thin, thick = (tau[:, 1] < 0.3) & (tau[:, 1] > 0.05), (tau[:, 1] > 1) & seen
    both = thin.flatten(1).any(1) & thick.flatten(1).any(1)
    means = [torch.where(part, ratio, 0).sum((1, 2)) / part.sum((1, 2)).clamp_min(1) for part in (thin, thick)]
    assert both.sum() > 10 and (means[0] >= means[1] - 1e-3)[both].all()
    assert (means[0] > 1.05 * means[1])[both].float().mean() > 0.3


def test_what_is_bare_gets_no_haze():
    clear = torch.rand(8, 3, 24, 32)
    bare = torch.arange(8) % 2 == 0
    depth, places = torch.ones(8, 1, 24, 32), torch.ones(8, dtype=torch.bool)
    result = add_haze(clear, depth, places, only("dense", dim=1, scattering=1), torch.Generator(), bare)
    assert torch.equal(result.hazy[bare], clear[bare]) and (result.transmission[~bare] < 1).all()


def test_billows_have_sharp_and_soft_edges_over_thin_or_thick_haze():
    _, result = synthesise(n=128, size=(96, 96), depth=torch.ones(128, 1, 96, 96), mix=only("billows", fine_smoke=0))
    t = result.transmission[:, 0]
    steepest = t.diff(dim=2).abs().amax((1, 2))
    assert steepest.max() > 0.2 and steepest.median() > 0.03
    thinnest = t.amax((1, 2))
    assert thinnest.min() < 0.5 and thinnest.max() > 0.8


def test_a_room_is_farthest_around_its_vanishing_point():
    _, result = synthesise(n=256, depth=torch.ones(256, 1, 24, 32), mix=only("room"))
    t = result.transmission.mean((0, 1))
    assert t[8:16, 12:20].mean() < t[[0, -1]].mean() - 0.05 and t[8:16, 12:20].mean() < t[:, [0, -1]].mean() - 0.05


def test_a_layer_lies_low_or_hangs_high():
    depth = torch.ones(256, 1, 24, 32)
    _, result = synthesise(n=256, depth=depth, mix=only("dense", layered=1, patchy=0))
    top, bottom = (result.transmission[..., rows, :].mean((1, 2, 3)) for rows in (slice(4), slice(-4, None)))
    assert 0.3 < (top > bottom + 0.02).float().mean() < 0.7 and 0.3 < (bottom > top + 0.02).float().mean() < 0.7


def test_airlight_may_be_exactly_grey_or_strongly_coloured():
    def spread(**options):
        _, result = synthesise(n=128, mix=HazeMix(sky=0, uneven=0, fine=0, fine_smoke=0, **options))
        airlight = result.airlight
        return airlight.amax((1, 2, 3)) - airlight.amin((1, 2, 3))

    assert (spread(neutral=1) == 0).all()
    assert spread(coloured=1, neutral=0).mean() > 3 * spread(neutral=0).mean()


def test_airlight_may_be_uneven():
    def corner_and_spread(uneven):
        airlight = synthesise(n=256, mix=HazeMix(sky=0, uneven=uneven))[1].airlight.mean(1)
        corners = airlight[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(1)
        return (corners / airlight[:, 12, 16]).mean(), airlight.amax((1, 2)) - airlight.amin((1, 2))

    corner, spread = corner_and_spread(0)
    assert corner == 1 and (spread == 0).all()
    corner, spread = corner_and_spread(1)
    assert 0.7 < corner < 0.95 and spread.min() > 0.01 and spread.mean() > 0.1
    assert 0.4 < (corner_and_spread(0.5)[1] == 0).float().mean() < 0.6


def test_airlight_may_be_that_of_the_sky():
    depth = torch.linspace(1, 0, 24)[:, None].expand(64, 1, 24, 32)
    clear, result = synthesise(depth=depth, mix=only("dense", sky=1, dim=1, uneven=0, scattering=0))
    sky = clear[..., :3, :].mean((2, 3))  # random colours, whose mean is bright
    airlight = result.airlight.mean((2, 3))
    ratio = airlight.mean(1) / sky.mean(1)
    assert ratio.min() > 0.94 and ratio.max() < 1.09 and (result.illumination == 1).all()
    greyed = (airlight - airlight.mean(1, keepdim=True)).abs().sum(1)
    assert (greyed < 0.7 * (sky - sky.mean(1, keepdim=True)).abs().sum(1)).all()


def test_without_a_bright_sky_there_is_no_light_of_it():
    near, far = torch.zeros(16, 1, 24, 32), torch.ones(16, 1, 24, 32)
    for clear, depth in ((torch.ones(16, 3, 24, 32), near), (torch.zeros(16, 3, 24, 32), far)):
        with_share, without = (
            add_haze(clear, depth, torch.ones(16, dtype=torch.bool), HazeMix(sky=share), torch.Generator())
            for share in (1.0, 0.0)
        )
        assert torch.equal(with_share.airlight, without.airlight)


def test_scattering_blurs_what_lies_behind_haze():
    sharp, blurred = (
        synthesise(mix=only("dense", scattering=share, patchy=0), depth=torch.ones(64, 1, 24, 32))[1]
        for share in (0, 1)
    )
    torch.testing.assert_close(sharp.transmission, blurred.transmission)
    detail = [x.hazy.diff(dim=3).abs().mean() for x in (sharp, blurred)]
    assert detail[1] < 0.9 * detail[0]


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
