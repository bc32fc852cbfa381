"""Noise over time: held down while the camera stands still or moves, and nothing else is touched."""

import itertools
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cliphaze_cli.video import denoise
from cliphaze_cli.video.denoise import Calm, share_of_new
from cliphaze_cli.video.motion import Watch

NOISE = 2.0


def land(seed: int, width: int = 512) -> NDArray[np.float32]:
    """(288, width, 3), with something to see everywhere."""
    rough = np.random.default_rng(seed).uniform(60, 190, (18, width // 16, 3)).astype(np.float32)
    return np.asarray(cv2.resize(rough, (width, 288), interpolation=cv2.INTER_CUBIC), np.float32)


def calmed(
    views: list[NDArray[np.float32]], gain: float, scale: int = 1, noise: float = NOISE
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Frames with noise, and what is made of them."""
    rng, watch, calm = np.random.default_rng(0), Watch(), Calm()
    kind = np.uint8 if scale == 1 else np.uint16
    for view in views:
        pixels: NDArray[Any] = (
            np.clip((view + rng.normal(0, noise, view.shape)) * scale, 0, 255 * scale).round().astype(kind)
        )
        grey = (cv2.resize(pixels[..., 1], (256, 144), interpolation=cv2.INTER_AREA) // scale).astype(np.uint8)
        yield pixels, calm(pixels, watch(grey), np.full(grey.shape, gain, np.float32))


def change_of(frames: list[NDArray[Any]]) -> float:
    return float(np.mean([np.abs(b.astype(float) - a).mean() for a, b in itertools.pairwise(frames[4:])]))


@pytest.mark.parametrize("scale", [1, 257])
@pytest.mark.parametrize("gain", [1.5, 2.5])
def test_noise_changes_by_what_it_did_before_it_is_amplified(gain: float, scale: int) -> None:
    before, after = (list(each) for each in zip(*calmed([land(0)] * 12, gain, scale), strict=True))
    assert after[0].dtype == before[0].dtype and after[-1].dtype == np.float32
    assert gain * change_of(after) < 1.15 * change_of(before)
    assert np.abs(after[-1] / scale - land(0)).mean() < 0.95 * np.abs(before[-1] / scale - land(0)).mean()


@pytest.mark.parametrize("zoom", [1.0, 0.995])
def test_noise_is_calmed_while_the_camera_moves(zoom: float) -> None:
    wide, views = land(0, 640), []
    for number in range(12):
        view = np.array([[zoom**number, 0, 1.7 * number + 20], [0, zoom**number, 0.4 * number + 5]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        views.append(np.asarray(cv2.warpAffine(wide, view, (500, 270), flags=flags), np.float32))
    *_, (before, after) = calmed(views, 2.5)
    error_before, error = (each[20:-20, 20:-20] - views[-1][20:-20, 20:-20] for each in (before, after))
    assert np.abs(error).mean() < 0.6 * np.abs(error_before).mean()
    assert np.abs(cv2.blur(error, (15, 15))).max() < 0.5 * NOISE


@pytest.mark.parametrize("contrast", [5, 40])
@pytest.mark.parametrize(("speed", "camera"), [(1, 0), (3, 0), (1, 2)])
def test_what_moves_slowly_is_not_smeared(contrast: float, speed: int, camera: int) -> None:
    wide, views = land(0, 640), []
    for number in range(16):
        view = wide[:, camera * number : camera * number + 512].copy()
        left = 200 + speed * number
        view[100:180, left : left + 60] += contrast
        views.append(view)
    *_, (_, after) = calmed(views, 3.0)
    error = after.astype(np.float32) - views[-1]
    for first in (left - 8, left, left + 52, left + 60):  # on both sides of both edges
        assert abs(float(error[100:180, first : first + 8].mean())) < 0.25 * NOISE


@pytest.mark.parametrize("speed", [1, 3, 6])
def test_what_is_faint_and_moves_before_a_still_camera_is_not_smeared(speed: int) -> None:
    views, contrast = [], 2.0
    for number in range(16):
        view = 120 + 0.25 * (land(0) - 125)
        left = 200 + speed * number
        view[100:180, left : left + 60] += contrast
        views.append(np.asarray(view, np.float32))
    *_, (_, after) = calmed(views, 3.0, noise=0)
    error = after.astype(np.float32) - views[-1]
    for first in (left - 8, left, left + 52, left + 60):  # on both sides of both edges
        assert abs(float(error[100:180, first : first + 8].mean())) < 0.1 * contrast


@pytest.mark.parametrize("zoom", [1.0, 0.995])
def test_rounding_is_calmed_while_the_camera_moves_over_fine_detail(zoom: float) -> None:
    detail = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 12, (288, 640, 3)), (0, 0), 2)
    wide, flags = 120 + 0.25 * (land(0, 640) - 125) + detail, cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    places = [np.array([[zoom**n, 0, 1.7 * n + 20], [0, zoom**n, 0.4 * n + 5], [0, 0, 1]]) for n in range(12)]
    views = [np.asarray(cv2.warpAffine(wide, place[:2], (500, 270), flags=flags), np.float32) for place in places]
    *_, one, other = calmed(views, 2.5, noise=0)
    back = (np.linalg.inv(places[-2]) @ places[-1])[:2]
    before, after = (
        np.abs(now - cv2.warpAffine(was.astype(np.float32), back, (500, 270), flags=flags))[20:-20, 20:-20].mean()
        for was, now in zip(one, other, strict=True)
    )
    assert after < 0.25 * before


def test_compiled_or_not_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    compiled = [after for _, after in calmed([land(0)[:287, :511]] * 3, 2.5)]
    monkeypatch.setattr(denoise, "_blend", denoise._blend_by_opencv)
    plain = [after for _, after in calmed([land(0)[:287, :511]] * 3, 2.5)]
    assert (
        compiled[-1].shape == plain[-1].shape and np.abs(compiled[-1] - plain[-1]).max() < 0.05
    )  # OpenCV's shares add up to 1 + 1e-5


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
