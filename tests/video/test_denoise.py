"""Noise over time: held down where the picture stands still, and nothing else is touched."""

import itertools
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cliphaze_cli.video.denoise import Calm, share_of_new
from cliphaze_cli.video.motion import Watch

NOISE = 2.0


def land(seed: int) -> NDArray[np.float32]:
    """(288, 512, 3), with something to see everywhere."""
    rough = np.random.default_rng(seed).uniform(60, 190, (18, 32, 3)).astype(np.float32)
    return np.asarray(cv2.resize(rough, (512, 288), interpolation=cv2.INTER_CUBIC), np.float32)


def calmed(
    views: list[NDArray[np.float32]], gain: float, scale: int = 1
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Frames with noise, and what is made of them."""
    rng, watch, calm = np.random.default_rng(0), Watch(), Calm()
    kind = np.uint8 if scale == 1 else np.uint16
    for view in views:
        pixels: NDArray[Any] = (
            np.clip((view + rng.normal(0, NOISE, view.shape)) * scale, 0, 255 * scale).round().astype(kind)
        )
        grey = (cv2.resize(pixels[..., 1], (256, 144), interpolation=cv2.INTER_AREA) // scale).astype(np.uint8)
        yield pixels, calm(pixels, watch(grey), np.full(grey.shape, gain, np.float32))


def change_of(frames: list[NDArray[Any]]) -> float:
    return float(np.mean([np.abs(b.astype(float) - a).mean() for a, b in itertools.pairwise(frames[4:])]))


@pytest.mark.parametrize("scale", [1, 257])
@pytest.mark.parametrize("gain", [1.5, 2.5])
def test_noise_changes_by_what_it_did_before_it_is_amplified(gain: float, scale: int) -> None:
    before, after = (list(each) for each in zip(*calmed([land(0)] * 12, gain, scale), strict=True))
    assert after[-1].dtype == before[-1].dtype
    assert gain * change_of(after) < 1.15 * change_of(before)
    assert np.abs(after[-1] / scale - land(0)).mean() < 0.95 * np.abs(before[-1] / scale - land(0)).mean()


def test_what_is_not_amplified_stays_as_it_is() -> None:
    for before, after in calmed([land(0)] * 4, 1.0):
        assert np.array_equal(before, after)
    assert share_of_new(np.array([0.5, 1.0], np.float32)).tolist() == [1, 1]


def test_what_moves_leaves_no_ghost() -> None:
    views = []
    for number in range(10):
        view = land(0)
        view[100:180, 40 + 24 * number : 100 + 24 * number] = 20
        views.append(view)
    *_, (before, after) = calmed(views, 3.0)
    for columns in (slice(232, 256), slice(256, 316)):  # uncovered since the frame before; the thing itself
        error = after[100:180, columns].astype(float) - views[-1][100:180, columns]
        assert np.abs(error).mean() < 1.15 * NOISE
        assert np.abs(cv2.blur(error, (9, 9))).max() < 2 * NOISE
    assert not np.array_equal(before[200:], after[200:])


def test_after_a_cut_nothing_of_before_is_left() -> None:
    views = [land(1)] * 4 + [255 - 0.5 * land(2)] * 2
    made = list(calmed(views, 3.0))
    fresh = Calm()
    assert np.array_equal(*made[4])
    rest = fresh(made[4][0], None, np.full((144, 256), 3, np.float32))
    assert np.array_equal(rest, made[4][1])


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (17, 33)])
def test_any_size(shape: tuple[int, int]) -> None:
    watch, calm, rng = Watch(), Calm(), np.random.default_rng(0)
    for _ in range(3):
        pixels = rng.integers(90, 110, (*shape, 3)).astype(np.uint8)
        made = calm(pixels, watch(np.ascontiguousarray(pixels[..., 1])), np.full(shape, 3, np.float32))
        assert made.shape == pixels.shape
