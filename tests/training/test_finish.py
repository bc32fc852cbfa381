"""What photographers do to clear photos."""

import pytest
import torch
from torch import Generator

from training import batches
from training.batches import HazeBatches, PhotoPack
from training.finish import finish
from training.recipe import Recipe, Scenes


def finished(clear, depth=None, seed=0, **shares):
    depth = torch.zeros_like(clear[:, :1]) if depth is None else depth
    return finish(clear, depth, Scenes(**shares), Generator().manual_seed(seed))


def photos(n=32):
    return torch.rand(n, 3, 40, 56, generator=Generator().manual_seed(1))


def test_without_shares_photos_stay_as_they_are():
    result, matte = finished(photos())
    assert torch.equal(result, photos()) and not matte.any()


def test_finished_photos_are_others_in_range_and_a_function_of_the_seed():
    result, matte = finished(photos(), finished=1.0)
    assert result.shape == photos().shape and result.min() >= 0 and result.max() <= 1 and not matte.any()
    changed = (result - photos()).abs().mean((1, 2, 3)) > 0.01
    assert changed.float().mean() > 0.8  # each edit is made by chance, so that some photos get none
    assert torch.equal(result, finished(photos(), finished=1.0)[0])
    assert not torch.equal(result, finished(photos(), seed=1, finished=1.0)[0])


def test_matte_photos_have_no_blacks():
    dark = photos() * (photos().mean(1, keepdim=True) > 0.5)
    result, matte = finished(dark, matte=1.0)
    assert matte.all() and dark.amin((1, 2, 3)).max() == 0 and result.amin((1, 2, 3)).min() > 0


def test_only_what_is_far_is_out_of_focus():
    depth = torch.zeros(64, 1, 40, 56)
    depth[..., 28:] = 1

    def detail(image):
        return (image[..., 1:] - image[..., :-1]).abs().mean((1, 2, 3))

    result, _ = finished(photos(64), depth, finished=1.0)
    near, far = (detail(result[..., half]) / detail(photos(64)[..., half]) for half in (slice(28), slice(28, None)))
    softer = far < 0.5 * near
    assert 0.1 < softer.float().mean() < 0.5


@pytest.fixture(scope="module")
def photo_pack(pack) -> PhotoPack:
    return PhotoPack(pack)


def test_matte_photos_get_no_haze(photo_pack, small_batches):
    data = HazeBatches(photo_pack, Recipe("tiny", 8, scenes=Scenes(matte=1.0, blank=0)))
    assert all(data[i].transmission.min() == 1 for i in range(8))


def test_without_finished_photos_batches_are_what_they_are_without_the_step(photo_pack, small_batches, monkeypatch):
    batch = HazeBatches(photo_pack, Recipe("tiny", 8))[3]
    monkeypatch.setattr(
        batches, "finish", lambda clear, *_: (clear, torch.zeros(len(clear), 1, 1, 1, dtype=torch.bool))
    )
    assert torch.equal(batch.hazy, HazeBatches(photo_pack, Recipe("tiny", 8))[3].hazy)
