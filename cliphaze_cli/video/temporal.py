"""The network's maps along a film, without flicker.

The network sees every few frames only. What it finds is the aim; what is applied follows the aim by a share of the way
with each frame, and both move along with the picture. Where the picture shows something else than before, they do not
follow but jump, and at a cut everything begins anew. The filter looks back only, never ahead.

Maps are kept as `guided_filter.fit` makes them, slopes and offsets over luma, which are smooth: small is enough, and
each frame's own pixels bring its edges back.

Glossary: h w the size of `motion.LONG_SIDE`.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.video.motion import Change, Watch, moved_along

EVERY = 8  # frames between two that the network sees, at most
_FIRST = (1, 2, 2, 4, 4)  # likewise at the beginning of a scene
PACE = 0.04  # of the way to the aim, with each frame
TRUST = 0.25  # in what the network finds, against what it found before
_MOST_MOVED = 0.08  # of the width, between two that the network sees
_MOST_DOUBTED = 0.04  # of the pixels, likewise

Estimate = Callable[[], NDArray[np.float32]]


class MapsOverTime:
    """The maps of each frame, from those that the network estimates for some of them."""

    def __init__(self) -> None:
        self.estimates = 0  # how often the network was asked
        self.cuts = 0
        self.change: Change | None = None  # to the last frame from the one before
        self._watch = Watch()
        self._applied: NDArray[np.float32]
        self._aim: NDArray[np.float32]
        self._doubt: NDArray[np.float32]
        self._since, self._moved = 0, 0.0
        self._seen = 0  # frames of this scene by the network

    def __call__(
        self, grey: NDArray[np.uint8], estimate: Estimate, fine: NDArray[np.uint8] | None = None
    ) -> NDArray[np.float32]:
        """Maps for the next frame.

        Args:
            grey: the frame, (h, w). estimate: asks the network for its maps, (n, h, w, 4). fine: see `Watch`.

        Returns:
            (n, h, w, 4), not to be changed.
        """
        self.change = change = self._watch(grey, fine)
        if change is None or change.cut:
            self.cuts += change is not None
            return self._begin(estimate, grey.shape)
        self._applied, self._aim = _carried(self._applied, change), _carried(self._aim, change)
        self._doubt = np.maximum(moved_along(self._doubt, change.source), change.doubt)
        self._since += 1
        self._moved += change.moved
        if self._is_due():
            trust = max(TRUST, 1 / (self._seen + 1))  # a mean, as long as that is of few
            found = self._asked(estimate)
            doubt = cv2.GaussianBlur(self._doubt, (0, 0), 3)[..., None]
            self._aim += (trust + (1 - trust) * doubt) * (found - self._aim)
            self._applied += doubt * (found - self._applied)
            self._doubt = np.zeros_like(self._doubt)
        self._applied += PACE * (self._aim - self._applied)
        return self._applied

    def _is_due(self) -> bool:
        """Whether the network is to be asked for this frame."""
        if self._moved > _MOST_MOVED or float(self._doubt.mean()) > _MOST_DOUBTED:
            return True
        seldom = EVERY if self._seen > len(_FIRST) else _FIRST[self._seen - 1]
        return self._since >= seldom

    def _begin(self, estimate: Estimate, shape: tuple[int, ...]) -> NDArray[np.float32]:
        self._seen = 0
        self._aim = self._asked(estimate)
        self._applied = self._aim.copy()
        self._doubt = np.zeros(shape, np.float32)
        return self._applied

    def _asked(self, estimate: Estimate) -> NDArray[np.float32]:
        self.estimates += 1
        self._seen += 1
        self._since, self._moved = 0, 0.0
        return estimate()


def _carried(maps: NDArray[np.float32], change: Change) -> NDArray[np.float32]:
    return np.stack([moved_along(four, change.source) for four in maps])
