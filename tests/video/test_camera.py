"""The camera's motion: exact to a part of a pixel, noise or not, and what moves on its own disturbs nothing."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cliphaze_cli.video.camera import flow_of, resized_motion
from cliphaze_cli.video.motion import Watch

SIZE = (288, 512)
SMALL = (144, 256)
PLACE = np.dstack(np.meshgrid(np.arange(512.0), np.arange(288.0)))
MOTIONS = {
    "pan": [[1, 0, 4.3], [0, 1, -0.7], [0, 0, 1]],
    "zoom": [[0.99, 0, 3.1], [0, 0.99, 1.2], [0, 0, 1]],
    "turn": [[1, 0.01, -1], [-0.01, 1, 2], [0, 0, 1]],
    "tilt": [[1.004, 0, 2], [0.002, 1.002, 0], [1e-5, 0, 1]],
}


def land(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Something to see everywhere."""
    rough = np.random.default_rng(seed).uniform(60, 190, (size[0] // 12, size[1] // 12)).astype(np.float32)
    return cv2.resize(rough, size[::-1], interpolation=cv2.INTER_CUBIC).round().astype(np.uint8)


def views(motion: NDArray[np.float64], noise: float = 0.0) -> list[NDArray[np.uint8]]:
    """What a camera sees before and after a motion, (H, W) each."""
    rng, wide = np.random.default_rng(1), land(0, (400, 640)).astype(np.float32)
    middle = np.array([[1, 0, 64.0], [0, 1, 56], [0, 0, 1]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = [cv2.warpPerspective(wide, middle @ each, SIZE[::-1], flags=flags) for each in (np.eye(3), motion)]
    return [np.clip(one + rng.normal(0, noise, SIZE), 0, 255).round().astype(np.uint8) for one in seen]


def small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, SMALL[::-1], interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("kind", MOTIONS)
def test_is_found_to_a_tenth_of_a_pixel(kind: str, noise: float) -> None:
    motion, watch = np.array(MOTIONS[kind], np.float64), Watch()
    for view in views(motion, noise):
        change = watch(small(view), view)
    assert change is not None and change.camera is not None
    found = resized_motion(change.camera, SMALL, SIZE)
    off = np.abs(flow_of(found, PLACE) - flow_of(motion, PLACE))
    assert off.mean() < 0.1
    inside = np.abs(change.flow - flow_of(motion, PLACE)[::2, ::2] / 2)[20:-20, 20:-20]
    assert inside.mean() < 0.1


def test_a_thing_that_moves_keeps_its_own_motion() -> None:
    watch = Watch()
    for view, left in zip(views(np.array(MOTIONS["pan"])), (200, 210), strict=True):
        view[80:200, left : left + 160] = land(7)[80:200, :160]
        change = watch(small(view), view)
    assert change is not None and change.camera is not None
    assert np.abs(change.camera[:2, 2] - [2.15, -0.35]).max() < 0.1
    assert abs(float(np.median(change.flow[60:78, 112:130, 0])) + 5) < 1
    assert float(np.median(change.apart[60:78, 112:130])) > 5 and float(np.median(change.apart)) < 1


def test_what_does_not_move_as_one_has_no_camera() -> None:
    watch, rng = Watch(), np.random.default_rng(0)
    for _ in range(2):
        change = watch(rng.integers(0, 255, SMALL).astype(np.uint8))
    assert change is not None and change.camera is None
