"""Batch i is a function of the seed and of i."""

import numpy as np
import pytest
import torch

from cliphaze_cli.network.cliphaze import apply_maps
from training import batches
from training.batches import HazeBatches, PhotoPack
from training.haze import KINDS
from training.recipe import Camera, HazeMix, Recipe, Scenes


@pytest.fixture(scope="module")
def photo_pack(pack) -> PhotoPack:
    return PhotoPack(pack)


def equal(a, b) -> bool:
    pairs = zip(vars(a).values(), vars(b).values(), strict=True)
    return all(x is y is None or torch.equal(x, y) for x, y in pairs)


def test_a_resumed_run_sees_what_an_unbroken_one_sees(photo_pack, small_batches):
    whole, resumed = (
        HazeBatches(photo_pack, Recipe("tiny", 9, seed=4)),
        HazeBatches(photo_pack, Recipe("tiny", 9, seed=4), first=6),
    )
    assert len(whole) == 9 and len(resumed) == 3
    for i in range(3):
        assert equal(whole[6 + i], resumed[i])
    assert not equal(whole[0], whole[1])
    assert not equal(whole[0], HazeBatches(photo_pack, Recipe("tiny", 9, seed=5))[0])


def test_a_step_of_two_batches_takes_the_next_two(photo_pack, small_batches):
    one, two = (HazeBatches(photo_pack, Recipe("tiny", 8, seed=4, batches_per_step=count)) for count in (1, 2))
    assert len(two) == 16 and all(equal(one[i], two[i]) for i in range(6))
    later = HazeBatches(photo_pack, Recipe("tiny", 8, seed=4, batches_per_step=2), first=2)
    assert len(later) == 12 and equal(two[4], later[0])


def test_ranges_and_shapes(photo_pack, small_batches):
    data = HazeBatches(photo_pack, Recipe("tiny", 20))
    for i in range(20):
        batch = data[i]
        assert batch.hazy.shape == batch.clear.shape == batch.transmission.shape == (4, 3, 48, 64)
        assert batch.density.shape == (4, 1, 48, 64)
        for x in (batch.hazy, batch.clear, batch.transmission):
            assert x.min() >= 0 and x.max() <= 1
        levels = 255 * batch.hazy
        torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)  # as an 8-bit camera gives it


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_batches_are_of_one_size_whatever_the_crops(photo_pack, monkeypatch, share):
    monkeypatch.setattr(batches, "SMALL_SHAPES", ((48, 64), (24, 64), (48, 32)))
    monkeypatch.setattr(batches, "PIXELS_PER_BATCH", 8 * 48 * 64)
    data = HazeBatches(photo_pack, Recipe("tiny", 12, seed=1, scenes=Scenes(batch=share)))
    shapes = {data[i].hazy.shape for i in range(12)}
    assert {shape[-2:] for shape in shapes} == {(48, 64), (24, 64), (48, 32)}
    assert {shape[0] * shape[2] * shape[3] for shape in shapes} == {share * 8 * 48 * 64}


def test_large_crops_come_late(photo_pack, monkeypatch):
    monkeypatch.setattr(batches, "SMALL_SHAPES", ((48, 64),))
    monkeypatch.setattr(batches, "LARGE_SHAPES", ((64, 96),))
    monkeypatch.setattr(batches, "PIXELS_PER_BATCH", 64 * 96)
    data = HazeBatches(photo_pack, Recipe("tiny", 24, seed=1, scenes=Scenes(large_from=8, large=0.5)))
    assert {data[i].hazy.shape[-2:] for i in range(8)} == {(48, 64)}
    assert {data[i].hazy.shape[-2:] for i in range(8, 24)} == {(48, 64), (64, 96)}


def test_a_crop_is_a_piece_of_a_photo_with_its_own_depth(photo_pack, monkeypatch):
    # Photos whose value tells the row, and depths that tell the same: they must still agree after cropping.
    rows = np.linspace(0, 255, 240).astype(np.uint8)
    monkeypatch.setattr(photo_pack, "photos", [np.broadcast_to(rows[:, None, None], (240, 320, 3))])
    monkeypatch.setattr(photo_pack, "depths", [np.broadcast_to(rows[::2, None], (1, 120, 160))])
    monkeypatch.setattr(photo_pack, "places", np.array([False]))
    rng = np.random.default_rng(0)
    spans = []
    for _ in range(20):
        crop = photo_pack.crop((48, 64), Scenes(whole=0.45), rng)
        clear, depth = crop.photo, crop.depth
        assert clear.shape == (1, 3, 48, 64) and depth.shape == (1, 1, 48, 64)
        assert (clear[:, :1] - depth).abs().max() < 0.03
        spans.append(float(clear.max() - clear.min()))
    assert max(spans) > 0.95 and min(spans) < 0.9  # whole scenes, and pieces


def test_crops_are_mirrored_half_of_the_time(photo_pack, monkeypatch):
    columns = np.linspace(0, 255, 320).astype(np.uint8)
    monkeypatch.setattr(photo_pack, "photos", [np.broadcast_to(columns[None, :, None], (240, 320, 3))])
    monkeypatch.setattr(photo_pack, "depths", [np.broadcast_to(columns[None, ::2], (1, 120, 160))])
    monkeypatch.setattr(photo_pack, "places", np.array([False]))
    rng = np.random.default_rng(0)
    crops = [photo_pack.crop((48, 64), Scenes(whole=0.45), rng) for _ in range(40)]
    mirrored = [bool(crop.photo[0, 0, 0, 0] > crop.photo[0, 0, 0, -1]) for crop in crops]
    assert 8 < sum(mirrored) < 32
    assert all((crop.photo[:, :1] - crop.depth).abs().max() < 0.03 for crop in crops)


def test_photos_of_places_are_drawn_more_often(photo_pack, monkeypatch):
    monkeypatch.setattr(photo_pack, "photos", [np.full((48, 64, 3), value, np.uint8) for value in (0, 255)])
    monkeypatch.setattr(photo_pack, "depths", [np.zeros((1, 24, 32), np.uint8)] * 2)
    monkeypatch.setattr(photo_pack, "places", np.array([False, True]))
    rng = np.random.default_rng(0)
    crops = [photo_pack.crop((48, 64), Scenes(scenery=4.0), rng) for _ in range(200)]
    assert 0.7 < np.mean([crop.place for crop in crops]) < 0.9
    assert all(bool(crop.photo.mean() > 0.5) == crop.place for crop in crops)


def test_stretched_levels_reach_black_and_white(photo_pack, small_batches):
    # The synthetic landscapes have neither: their darkest value is about 0.04, their lightest 0.88.
    darkest = {}
    for share in (0.0, 1.0):
        data = HazeBatches(photo_pack, Recipe("tiny", 20, scenes=Scenes(levels=share, levels_of_things=share, blank=0)))
        darkest[share] = np.mean([float(clear.quantile(0.01)) for i in range(20) for clear in data[i].clear])
    assert darkest[1.0] < 0.5 * darkest[0.0]


def test_photos_of_places_and_of_things_have_their_own_share_of_stretched_levels(
    photo_pack, small_batches, monkeypatch
):
    monkeypatch.setattr(photo_pack, "places", np.arange(len(photo_pack.photos)) % 2 == 0)
    stretched = []

    def record(clear, share, generator):
        stretched.extend(share.flatten().tolist())
        return clear

    monkeypatch.setattr(batches, "_stretch_levels", record)
    scenes = Scenes(levels=0.25, levels_of_things=0.75)
    data = HazeBatches(photo_pack, Recipe("tiny", 8, scenes=scenes, at_end=("scenes.levels=0.5",)))
    for i in range(6):
        data[i]
    assert set(stretched) == {0.25, 0.75}
    stretched.clear()
    for i in (6, 7):  # the learning rate falls over the last quarter
        data[i]
    assert set(stretched) == {0.5, 0.75}


def test_blank_samples_show_an_even_surface_and_no_haze(photo_pack, small_batches):
    data = HazeBatches(photo_pack, Recipe("tiny", 20, scenes=Scenes(blank=1.0)))
    batches_seen = [data[i] for i in range(20)]
    for batch in batches_seen:
        assert (batch.transmission == 1).all()
        assert batch.clear.diff(dim=3).abs().max() < 0.05
    assert max(float(batch.clear.amin((1, 2, 3)).max()) for batch in batches_seen) > 0.9  # white ones among them
    some = HazeBatches(photo_pack, Recipe("tiny", 1, scenes=Scenes(blank=0.0)))[0]
    assert some.clear.diff(dim=3).abs().max() > 0.1


def test_the_airlight_is_the_one_that_undoes_the_haze(photo_pack, small_batches, monkeypatch):
    monkeypatch.setattr(batches, "_photograph", lambda hazy, *_: hazy)
    kinds = dict.fromkeys(KINDS, 0.0) | {"dense": 1.0}
    even = HazeMix(**kinds, fine=1, dim=0, uneven=0, scattering=0)
    batch = HazeBatches(photo_pack, Recipe("tiny", 1, haze=even, scenes=Scenes(blank=0)))[0]
    K = 1 / batch.transmission - 1
    torch.testing.assert_close(apply_maps(batch.hazy, K, batch.airlight * K), batch.clear, rtol=0, atol=1e-4)


def test_what_the_camera_adds():
    hazy = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    def error(camera):
        rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
        return float((batches._photograph(hazy, camera, rng, generator) - hazy).abs().max())

    rounding, noise = error(Camera(noise=0, jpeg=0)), error(Camera(noise=1, jpeg=0))
    fine, coarse = error(Camera(noise=0, jpeg=1, quality=97)), error(Camera(noise=0, jpeg=1, quality=2))
    assert rounding <= 0.5 / 255 + 1e-6 < min(noise, fine) and fine < coarse
