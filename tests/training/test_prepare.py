"""The pack holds the photos that are fit for training, and their depths."""

import csv

import numpy as np
import pytest
import typer
from PIL import Image

from training.batches import PhotoPack
from training.prepare import ATTRIBUTION, MAX_SIDE, prepare, read_list


def test_photos_and_depths(pack, photos):
    packed = PhotoPack(pack)
    assert packed.names == ["0.png", "1.png", "2.png"]
    assert packed.places.tolist() == [True, False, True]
    assert [photo.shape for photo in packed.photos] == [(200, 261, 3), (261, 200, 3), (341, MAX_SIDE, 3)]
    assert [depth.shape for depth in packed.depths] == [(2, 100, 131), (2, 131, 100), (2, 171, 320)]
    for name, photo in zip(packed.names[:2], packed.photos, strict=False):
        assert np.array_equal(photo, np.asarray(Image.open(photos / name)))


def test_depths_are_of_their_photo(pack):
    for depth in PhotoPack(pack).depths:
        rows = depth.mean(2) / 255
        assert (rows[:, :10].mean(1) > rows[:, -5:].mean(1) + 0.4).all()  # the sky is far, the ground near
        assert not np.array_equal(*depth)


def test_photos_of_the_list_that_are_not_there_are_named(photos, tmp_path):
    listed = tmp_path / "photos.csv"
    listed.write_text("file,shows\n0.png,place\nlost.png,thing\n")
    with pytest.raises(typer.BadParameter, match=r"1 photos.*lost\.png"):
        prepare(photos, tmp_path / "pack.npz", photo_list=listed)
    assert not (tmp_path / "pack.npz").exists()


def test_the_attribution_lists_free_photos_alone():
    with ATTRIBUTION.open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) > 1200 and len({row["file"] for row in rows}) == len(rows)
    assert all(row["source"] and row["licence"] for row in rows)
    assert not any(term in row["licence"] for row in rows for term in ("SA", "GPL", "NC", "ND"))
    assert set(read_list(ATTRIBUTION).values()) == {"place", "thing"}
