"""The check tells a network that knows the haze from one that does not."""

import numpy as np
import pytest
import torch
from PIL import Image

from cliphaze_cli.dehazer import Dehazed, Dehazer


@pytest.fixture
def data(tmp_path):
    photos = pytest.importorskip("skimage.data", reason="training needs the extra cliphaze[train]")
    (tmp_path / "clear").mkdir()
    for number, photo in enumerate((photos.astronaut(), photos.coffee(), photos.chelsea())):
        for turn, pixels in enumerate((photo, photo[:, ::-1])):  # under another haze
            small = Image.fromarray(np.ascontiguousarray(pixels)).resize((256, 192))
            small.save(tmp_path / "clear" / f"{number}{turn}.png")
    return tmp_path


def printed(data, capsys) -> tuple[dict[str, float], list[float]]:
    from training.synthetic_check import check

    check(data)
    lines = capsys.readouterr().out.splitlines()
    scores = {cells[1].strip(): float(cells[2]) for cells in (line.split("|") for line in lines[2:-1])}
    return scores, [float(word) for word in lines[-1].replace(",", "").split() if word.startswith(("0.", "-0.", "1."))]


def test_the_embedded_network_ranks_haze(data, capsys):
    scores, (within, over_all) = printed(data, capsys)
    assert set(scores) == {"absent", "true, degraded", "random"}
    assert all(10 < value < 60 for value in scores.values())
    assert within > 0.4 and over_all > 0.4


def test_a_map_turned_round_ranks_it_the_wrong_way(data, capsys, monkeypatch):
    estimate = Dehazer.estimate_density
    monkeypatch.setattr(Dehazer, "estimate_density", lambda self, pixels: 1 - estimate(self, pixels))
    _, (within, over_all) = printed(data, capsys)
    assert within < -0.4 and over_all < -0.4


def test_instructions_reach_the_network(data, capsys, monkeypatch):
    given = []

    def dehaze(self, pixels, *, strength=1.0, density=None):
        given.append(None if density is None else density.shape)
        return Dehazed(pixels, np.zeros((1, 1), np.float32), "given", torch.empty(0), torch.empty(0))

    monkeypatch.setattr(Dehazer, "dehaze", dehaze)
    printed(data, capsys)
    assert given == [None, (64, 64), (7, 7)] * 6
