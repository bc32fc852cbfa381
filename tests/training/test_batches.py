"""Batch i is a function of the seed and of i."""

import numpy as np
import pytest
import torch

from training import batches
from training.batches import HazeBatches, PhotoPack
from training.recipe import Recipe, Scenes


@pytest.fixture(scope="module")
def photo_pack(pack) -> PhotoPack:
    return PhotoPack(pack)


def equal(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


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


def test_ranges_and_shapes(photo_pack, small_batches):
    data = HazeBatches(photo_pack, Recipe("tiny", 20))
    for i in range(20):
        batch = data[i]
        assert batch.hazy.shape == batch.clear.shape == (4, 3, 48, 64)
        assert batch.transmission.shape == batch.density.shape == (4, 1, 48, 64)
        for x in (batch.hazy, batch.clear, batch.transmission):
            assert x.min() >= 0 and x.max() <= 1
        levels = 255 * batch.hazy
        torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)  # as an 8-bit camera gives it


def test_batches_are_of_about_one_size_whatever_the_crops(photo_pack, monkeypatch):
    monkeypatch.setattr(batches, "PIXELS_PER_BATCH", 2 * 192 * 192)
    data = HazeBatches(photo_pack, Recipe("tiny", 12, seed=1))
    small = {data[i].hazy.shape[-2:] for i in range(12)}
    assert len(small) > 1 and small <= set(batches.SMALL_SHAPES)


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
    monkeypatch.setattr(photo_pack, "scenery", np.array([False]))
    rng = np.random.default_rng(0)
    spans = []
    for _ in range(20):
        clear, depth = photo_pack.crop((48, 64), Scenes(whole=0.45), rng)
        assert clear.shape == (1, 3, 48, 64) and depth.shape == (1, 1, 48, 64)
        assert (clear[:, :1] - depth).abs().max() < 0.03
        spans.append(float(clear.max() - clear.min()))
    assert max(spans) > 0.95 and min(spans) < 0.9  # whole scenes, and pieces


def test_crops_are_mirrored_half_of_the_time(photo_pack, monkeypatch):
    columns = np.linspace(0, 255, 320).astype(np.uint8)
    monkeypatch.setattr(photo_pack, "photos", [np.broadcast_to(columns[None, :, None], (240, 320, 3))])
    monkeypatch.setattr(photo_pack, "depths", [np.broadcast_to(columns[None, ::2], (1, 120, 160))])
    monkeypatch.setattr(photo_pack, "scenery", np.array([False]))
    rng = np.random.default_rng(0)
    crops = [photo_pack.crop((48, 64), Scenes(whole=0.45), rng) for _ in range(40)]
    mirrored = [bool(clear[0, 0, 0, 0] > clear[0, 0, 0, -1]) for clear, _ in crops]
    assert 8 < sum(mirrored) < 32
    assert all((clear[:, :1] - depth).abs().max() < 0.03 for clear, depth in crops)


def test_photos_of_places_are_drawn_more_often(photo_pack, monkeypatch):
    monkeypatch.setattr(photo_pack, "photos", [np.full((48, 64, 3), value, np.uint8) for value in (0, 255)])
    monkeypatch.setattr(photo_pack, "depths", [np.zeros((1, 24, 32), np.uint8)] * 2)
    monkeypatch.setattr(photo_pack, "scenery", np.array([False, True]))
    rng = np.random.default_rng(0)
    drawn = [float(photo_pack.crop((48, 64), Scenes(scenery=4.0), rng)[0].mean()) for _ in range(200)]
    assert 0.7 < np.mean(drawn) < 0.9


def test_twins_are_the_same_photos_under_another_haze(photo_pack, small_batches):
    batch = HazeBatches(photo_pack, Recipe("tiny", 1, scenes=Scenes(twins=True)))[0]
    assert torch.equal(*batch.clear.chunk(2)) and not torch.equal(*batch.hazy.chunk(2))


def test_stretched_levels_reach_black_and_white(photo_pack, small_batches):
    # The synthetic landscapes have neither: their darkest value is about 0.04, their lightest 0.88.
    darkest = {}
    for share in (0.0, 1.0):
        data = HazeBatches(photo_pack, Recipe("tiny", 20, scenes=Scenes(levels=share)))
        darkest[share] = np.mean([float(clear.quantile(0.01)) for i in range(20) for clear in data[i].clear])
    assert darkest[1.0] < 0.5 * darkest[0.0]
