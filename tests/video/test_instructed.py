"""CLIP instructs the network about films, too, on the frames that the network sees."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.video.frames import FilmDehazer


class LeftIsHazy(ClipPrior):
    """Stands for CLIP."""

    builders, embedding_size = ("windows",), 8

    def __init__(self) -> None:
        self.name, self.sha256 = "ViT-Fake:test", "0" * 64
        self.asked: list[NDArray[Any]] = []

    def density(self, pixels: NDArray[Any], **_: Any) -> NDArray[np.float32]:
        self.asked.append(pixels)
        return np.array([[1.0, 0.0]], np.float32)


def test_clip_is_asked_for_what_the_network_sees(random_weights: Path, dehazer: Dehazer) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    prior = LeftIsHazy()
    film = FilmDehazer(Dehazer.from_pretrained(weights=random_weights, device="cpu", prior=prior))
    instructed = [film(frame) for _ in range(12)]
    assert len(prior.asked) == film.over_time.estimates < 12
    assert np.array_equal(prior.asked[0], frame)
    assert not np.array_equal(instructed[0], FilmDehazer(dehazer)(frame))
