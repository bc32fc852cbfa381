"""The pack holds the photos that are fit for training, and their depths."""

import numpy as np
from PIL import Image

from training.batches import PhotoPack
from training.prepare import MAX_SIDE


def test_photos_and_depths(pack, photos):
    packed = PhotoPack(pack)
    assert packed.names == ["0.png", "1.png", "2.png"]
    assert [photo.shape for photo in packed.photos] == [(200, 261, 3), (261, 200, 3), (341, MAX_SIDE, 3)]
    assert [depth.shape for depth in packed.depths] == [(2, 100, 131), (2, 131, 100), (2, 171, 320)]
    for name, photo in zip(packed.names[:2], packed.photos, strict=False):
        assert np.array_equal(photo, np.asarray(Image.open(photos / name)))


def test_depths_are_of_their_photo(pack):
    for depth in PhotoPack(pack).depths:
        rows = depth.mean(2) / 255
        assert (rows[:, :10].mean(1) > rows[:, -5:].mean(1) + 0.4).all()  # the sky is far, the ground near
        assert not np.array_equal(*depth)
