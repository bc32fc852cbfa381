"""What moved between two frames, and where the one before tells nothing of this one.

Frames are looked at small, as grey pixels (h, w) uint8.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.video.camera import camera_motion, flow_of

LONG_SIDE = 256  # px
FINE_SIDE = 960  # px, of the frames in which the camera's motion is measured
_SAME, _OTHER = 2.0, 4.0  # px by which the flow differs from the camera's: within its error; a thing that moves
_SMALLEST_FOR_FLOW = 24  # px; patches of 8 on three scales must fit in
_NOISE, _CHANGED = 3.0, 12.0  # levels by which a blurred pixel differs: nothing but noise; surely something else
_CUT_SHARE = 0.6  # of pixels that are something else
_CUT_HISTOGRAM = 0.5  # of the area of two histograms that do not overlap


@dataclass(frozen=True, eq=False)
class Change:
    """From the frame before to this one.

    flow: (h, w, 2) float32, in x and y, from each pixel to where it was; source: that place. camera: (3, 3), the same
    as a projective map, of what stands still while the camera moves; None if that is too little. apart: (h, w), px
    between the flow as it was measured and the camera's, or none. doubt: (h, w) float32 in [0, 1], how sure it is that
    the frame before shows something else there. cut: whether it shows another scene. moved: of the width, on the whole.
    """

    flow: NDArray[np.float32]
    source: NDArray[np.float32]
    camera: NDArray[np.float64] | None
    apart: NDArray[np.float32]
    doubt: NDArray[np.float32]
    cut: bool
    moved: float


class Watch:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._before: NDArray[np.uint8] | None = None
        self._fine_before: NDArray[np.uint8] | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._place: NDArray[np.float32] | None = None

    def __call__(self, grey: NDArray[np.uint8], fine: NDArray[np.uint8] | None = None) -> Change | None:
        """None for the first frame.

        Args:
            grey: (h, w). fine: the same larger, if it is at hand.
        """
        grey = np.ascontiguousarray(grey)
        fine = grey if fine is None else np.ascontiguousarray(fine)
        before, self._before = self._before, grey
        fine_before, self._fine_before = self._fine_before, fine
        if before is None or fine_before is None or (before.shape, fine_before.shape) != (grey.shape, fine.shape):
            return None
        if self._place is None or self._place.shape[:2] != grey.shape:
            self._place = np.dstack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in grey.shape[::-1])))
        camera = None
        flow: NDArray[Any] = np.zeros((*grey.shape, 2), np.float32)
        if min(grey.shape) >= _SMALLEST_FOR_FLOW:
            flow = cv2.GaussianBlur(self._flow.calc(grey, before, flow), (0, 0), 2)
            camera = camera_motion(fine_before, fine, grey, flow)
        of_camera = np.zeros_like(flow) if camera is None else flow_of(camera, self._place)
        apart = np.hypot(*np.moveaxis(flow - of_camera, 2, 0))
        if camera is not None:  # more exact than the flow
            flow = of_camera + np.clip((apart - _SAME) / (_OTHER - _SAME), 0, 1)[..., None] * (flow - of_camera)
        source = self._place + flow
        difference = cv2.absdiff(_calm(grey), _calm(moved_along(before, source)))
        doubt = np.clip((difference.astype(np.float32) - _NOISE) / (_CHANGED - _NOISE), 0, 1)
        outside = (source < -0.5) | (source > np.array(grey.shape[::-1], np.float32) - 0.5)
        doubt[outside.any(2)] = 1
        cut = float(doubt.mean()) > _CUT_SHARE or _histograms_differ(grey, before)
        moved = float(np.abs(np.median(flow, (0, 1))).max()) / grey.shape[1]
        return Change(flow, source, camera, apart, doubt, cut, moved)


def moved_along(plane: NDArray[Any], source: NDArray[np.float32]) -> NDArray[Any]:
    """What of a plane (h, w) or (h, w, c <= 4) lies at `source`, see `Change`; at the border it is continued."""
    mode = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(plane, source, None, cv2.INTER_LINEAR, borderMode=mode))  # type: ignore[call-overload]


def _calm(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.blur(grey, (5, 5)), np.uint8)


def _histograms_differ(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    one, other = (np.bincount((grey >> 4).ravel(), minlength=16) / grey.size for grey in (first, second))
    # Smoothed, or a little more light would be another scene.
    one, other = (np.convolve(each, [0.25, 0.5, 0.25], "same") for each in (one, other))
    return float(np.abs(one - other).sum()) / 2 > _CUT_HISTOGRAM
