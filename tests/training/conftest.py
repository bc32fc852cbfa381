"""A tiny pack of training photos, and batches small enough for tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.scenes import landscape


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three synthetic landscapes, one that is to be left out, and one that is too small."""
    folder = tmp_path_factory.mktemp("photos")
    for seed, (height, width) in enumerate([(200, 261), (261, 200), (480, 900)]):
        Image.fromarray(np.round(255 * landscape(height, width, seed)).astype(np.uint8)).save(folder / f"{seed}.png")
    Image.new("RGB", (300, 300)).save(folder / "left_out.png")
    Image.new("RGB", (300, 100)).save(folder / "small.png")
    return folder


@pytest.fixture(scope="session")
def pack(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos as `training.prepare` packs them."""
    pytest.importorskip("skimage", reason="training needs the extra cliphaze[train]")
    from training.prepare import prepare

    path = tmp_path_factory.mktemp("pack") / "pack.npz"
    listed = path.with_name("photos.csv")
    listed.write_text("file,shows\n0.png,place\n1.png,thing\n2.png,place\nsmall.png,thing\n")
    prepare(photos, path, photo_list=listed, draws=2, seed=0)
    return path


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of four crops of 48 x 64."""
    use_small_batches(monkeypatch)


def use_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from training import batches

    monkeypatch.setattr(batches, "SMALL_SHAPES", ((48, 64),))
    monkeypatch.setattr(batches, "LARGE_SHAPES", ((64, 80),))
    monkeypatch.setattr(batches, "PIXELS_PER_BATCH", 4 * 48 * 64)
