"""The motion that the whole picture makes when its camera turns, moves or zooms, to a small part of a pixel.

Corners all over the picture are tracked (Lucas and Kanade), and the projective map that most of them follow is taken.
Dense flow is ten times less exact.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_CELL = 10  # px of the small picture, in each of which one corner is tracked
_WINDOW = (15, 15)  # px, by which a corner is known again
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.01)
_OFF = 0.3  # px by which a corner may miss the map that it follows
_FEWEST, _LEAST_SHARE = 24, 0.5  # corners that must follow it, and their share


def camera_motion(
    before: NDArray[np.uint8], now: NDArray[np.uint8], small: NDArray[np.uint8], flow: NDArray[Any]
) -> NDArray[np.float64] | None:
    """Where the picture was, as a projective map.

    Args:
        before, now: the pictures, (H, W). small: now, (h, w). flow: (h, w, 2), about where each pixel of small was.

    Returns:
        (3, 3), from pixels of small to where they were; None if the picture does not move as one.
    """
    corners = _corners(small)
    guess = corners + flow[corners[:, 1], corners[:, 0]]
    there, here = (_enlarged(points, small.shape, now.shape) for points in (guess, corners))
    if len(here) < _FEWEST:
        return None
    tracks, found, _ = cv2.calcOpticalFlowPyrLK(
        now, before, here, there, winSize=_WINDOW, maxLevel=0, flags=cv2.OPTFLOW_USE_INITIAL_FLOW, criteria=_STEPS
    )
    tracked = found.ravel() > 0
    if tracked.sum() < _FEWEST:
        return None
    motion, follow = cv2.findHomography(here[tracked], tracks[tracked], cv2.RANSAC, _OFF)
    if motion is None or follow.sum() < max(_FEWEST, _LEAST_SHARE * tracked.sum()):
        return None
    return resized_motion(np.asarray(motion, np.float64), now.shape, small.shape)


def resized_motion(motion: NDArray[np.float64], size: tuple[int, ...], other: tuple[int, ...]) -> NDArray[np.float64]:
    """A map of pictures (H, W) of one size for those of another."""
    scale = _scaling(size, other)
    return scale @ motion @ np.linalg.inv(scale)


def _scaling(size: tuple[int, ...], other: tuple[int, ...]) -> NDArray[np.float64]:
    y, x = (b / a for a, b in zip(size[:2], other[:2], strict=True))
    return np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5], [0, 0, 1]])


def flow_of(motion: NDArray[np.float64], place: NDArray[Any]) -> NDArray[Any]:
    """Flow of the pixels at `place`, (h, w, 2), float32 or float64."""
    return np.asarray(cv2.perspectiveTransform(place, motion) - place)


def _corners(small: NDArray[np.uint8]) -> NDArray[np.intp]:
    """(n, 2), the strongest of each cell, in x and y."""
    strength = cv2.cornerMinEigenVal(small, 5)
    rows, columns = (side // _CELL for side in small.shape)
    cells = strength[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL).swapaxes(1, 2)
    best = cells.reshape(rows, columns, -1).argmax(2)
    row, column = np.indices((rows, columns))
    return np.stack([column * _CELL + best % _CELL, row * _CELL + best // _CELL], 2).reshape(-1, 2)


def _enlarged(points: NDArray, size: tuple[int, ...], other: tuple[int, ...]) -> NDArray[np.float32]:
    scale = _scaling(size, other)
    return np.asarray(points @ scale[:2, :2] + scale[:2, 2], np.float32)
