"""Sets of synthetic haze to score on."""

import numpy as np
import pytest
from PIL import Image

from tests.training.commands import run
from tests.training.scenes import landscape
from training.hazy_set import hazy_set
from training.pairs import find_sets, read_rgb


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(np.round(255 * landscape(64, 96, seed)).astype(np.uint8)).save(folder / f"{seed}.png")
    return folder


def test_photos_lie_under_the_haze_asked_for(photos, tmp_path):
    for kind in ("none", "dense"):
        result = run(hazy_set, photos, tmp_path / "data" / kind, "--kind", kind, "--set", "haze.fine=0")
        assert result.exit_code == 0, result.output
    dense, none = find_sets(tmp_path / "data")
    assert [hazy.name for hazy, _ in dense.pairs] == ["0.png", "1.png", "2.png"]
    for hazy, clear in dense.pairs:
        assert np.array_equal(read_rgb(clear), read_rgb(photos / clear.name))
        assert read_rgb(hazy).std() < read_rgb(clear).std()
    assert all(np.array_equal(read_rgb(hazy), read_rgb(clear)) for hazy, clear in none.pairs)


@pytest.mark.parametrize("wrong", [("--kind", "fog"), ("--set", "haze.fog=1")])
def test_an_unknown_haze_is_refused(photos, tmp_path, wrong):
    result = run(hazy_set, photos, tmp_path / "set", *wrong)
    assert result.exit_code == 2 and "fog" in result.output and not (tmp_path / "set").exists()
