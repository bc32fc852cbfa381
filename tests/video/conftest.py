"""What the tests of films share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.video.film import FilmResult, dehaze_film
from cliphaze_cli.video.options import Encoding

DehazeFilm = Callable[..., FilmResult]


@pytest.fixture(scope="session")
def dehazer(random_weights: Path) -> Dehazer:
    """A small random network."""
    return Dehazer.from_pretrained(weights=random_weights, device="cpu")


@pytest.fixture
def dehaze(dehazer: Dehazer) -> DehazeFilm:
    """Dehazes a film into another, by a strength, and options of `Encoding`."""

    def run(source: Path, target: Path, strength: float = 0.0, **options: Any) -> FilmResult:
        encoding = Encoding(**{"preset": "ultrafast", "crf": 10, **options})
        return dehaze_film(source, target, dehazer, strength=strength, encoding=encoding, max_pixels=10**7)

    return run
