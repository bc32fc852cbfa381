"""Maps over time: they do not flicker, they move along with the picture, and a cut begins anew."""

import itertools
import threading
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cliphaze_cli.video.ahead import ahead
from cliphaze_cli.video.temporal import EVERY, PACE, MapsOverTime


def world(seed: int) -> NDArray[np.uint8]:
    """A landscape (144, 512) with something to see everywhere."""
    rough = np.random.default_rng(seed).uniform(0, 255, (18, 64)).astype(np.float32)
    return np.clip(cv2.resize(rough, (512, 144), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def maps(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Maps that depend on what is seen."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32) / 255, (0, 0), 6)
    return np.repeat(smooth[None, ..., None], 4, 3)


def test_what_the_network_sees_differently_each_time_does_not_flicker() -> None:
    view, rng, over_time = world(0)[:, :256], np.random.default_rng(0), MapsOverTime()
    made = []
    for _ in range(60):
        seen = np.clip(view + rng.normal(0, 1, view.shape), 0, 255).astype(np.uint8)
        made.append(over_time(seen, lambda: maps(view) + np.float32(rng.normal(0, 0.1))).copy())
    steps = [float(np.abs(one - other).mean()) for one, other in itertools.pairwise(made)]
    assert max(steps) < 0.02 and np.mean(steps[20:]) < 0.0015
    assert over_time.estimates <= 60 / EVERY + 4 and over_time.cuts == 0
    assert float(np.abs(made[-1] - maps(view)).mean()) < 0.1


def test_maps_move_along_with_the_picture() -> None:
    land, over_time = world(1), MapsOverTime()
    for number in range(40):
        view = np.ascontiguousarray(land[:, 3 * number : 3 * number + 256])
        found = over_time(view, lambda view=view: maps(view))  # type: ignore[misc]
        assert float(np.abs(found - maps(view))[:, 10:-10, 10:-10].mean()) < 0.03
    assert over_time.estimates < 20 and over_time.cuts == 0


def test_where_something_else_comes_into_view_maps_are_the_new_ones_at_once_and_elsewhere_they_follow() -> None:
    before, over_time = world(2)[:, :256], MapsOverTime()
    after = before.copy()
    after[30:110, 80:180] += 128  # around 255 to 0: other levels everywhere
    first = over_time(before, lambda: maps(before)).copy()
    second = over_time(after, lambda: maps(after) + np.float32(0.5))
    assert over_time.estimates == 2 and over_time.cuts == 0
    inside = np.s_[:, 55:85, 105:155]
    assert np.abs(second[inside] - maps(after)[inside] - 0.5).mean() < 0.06
    assert np.allclose(second[:, :, :30], first[:, :, :30] + PACE * 0.25, atol=0.005)


def test_at_a_cut_everything_begins_anew() -> None:
    before, after, over_time = world(2)[:, :256], world(3)[:, :256], MapsOverTime()
    for _ in range(5):
        over_time(before, lambda: maps(before))
    assert np.array_equal(over_time(after, lambda: maps(after)), maps(after))
    assert over_time.cuts == 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 256), (23, 24), (144, 256)])
def test_any_size(shape: tuple[int, int]) -> None:
    over_time, grey = MapsOverTime(), np.full(shape, 90, np.uint8)
    for _ in range(3):
        assert over_time(grey, lambda: maps(grey)).shape == (1, *shape, 4)


def test_work_runs_ahead_and_its_errors_arrive() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("no more")

    found = []
    with pytest.raises(ValueError, match="no more"):
        for item in ahead(items(), 2):
            found.append(item)
    assert found == list(range(5))


def test_closing_ends_the_thread_and_what_it_worked_on() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    running = ahead(items(), 2)
    next(running)
    running.close()
    assert closed.is_set() and not [each for each in threading.enumerate() if each.name == "ahead"]
