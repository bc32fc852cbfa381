"""Packets of a film to pictures in the order of time. What cannot be decoded is replaced by the last good one."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.video.losses import Losses
from cliphaze_cli.video.window import Window

_SEEN_ENOUGH = 100  # good frames, after which a film with too many damaged ones is given up


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame of PyAV, when it is shown and for how long, 0 if unknown; in units of the stream's time base."""

    frame: Any
    pts: int
    duration: int


class Decoder:
    """Decodes the packets of one stream, which it must be given in their order."""

    def __init__(self, path: Path, stream: Any, window: Window, losses: Losses) -> None:
        """losses: where what is lost is counted."""
        self.ended = False  # whether all that the window holds has been decoded
        self._path, self._window, self._losses = path, window, losses
        self._context, self._base = stream.codec_context, Fraction(stream.time_base)
        self._size = self._context.width, self._context.height
        self._expected: list[tuple[int, int]] = []  # a heap of times and durations of packets whose frames did not come
        self._corrupt: set[int] = set()
        self._good: Any = None
        self._last: int | None = None

    def __call__(self, packet: Any) -> Iterator[Picture]:
        """Pictures that are ready; with an empty packet all that are left. Raises ImageError."""
        if packet.size and packet.pts is not None and not packet.is_discard:
            heapq.heappush(self._expected, (packet.pts, packet.duration or 0))
            if packet.is_corrupt:
                self._corrupt.add(packet.pts)
        for frame in self._frames(packet):
            pts = self._time(frame)
            yield from self._missing_before(pts)
            if self._window.ended(pts, self._base):
                self.ended = True
                return
            if self._last is not None and pts <= self._last:
                self._losses.misplaced += 1
                continue
            good = not (frame.is_corrupt or pts in self._corrupt)
            if good:
                self._refuse_another_size(frame, pts)
                self._good = frame
            yield from self._shown(pts, frame.duration or 0, good)
        if not packet.size:
            yield from self._missing_before(None)

    def _frames(self, packet: Any) -> list[Any]:
        try:
            return list(self._context.decode(packet if packet.size else None))
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:  # its frame does not come, and is missed
            return []

    def _time(self, frame: Any) -> int:
        if frame.pts is not None:
            return int(frame.pts)
        if frame.dts is not None:
            return int(frame.dts)
        return 0 if self._last is None else self._last + max(1, frame.duration or 1)

    def _missing_before(self, pts: int | None) -> Iterator[Picture]:
        """In place of frames that should have come before that time (None: by now); that of `pts` itself is there."""
        while self._expected and (pts is None or self._expected[0][0] <= pts):
            when, duration = heapq.heappop(self._expected)
            # A frame may come out of two packets with a field each.
            fields = self._good is not None and self._good.interlaced_frame
            if when != pts and not fields and (self._last is None or when > self._last):
                yield from self._shown(when, duration, good=False)

    def _shown(self, pts: int, duration: int, good: bool) -> Iterator[Picture]:
        """The last good frame, at that time."""
        if not self._window.holds(pts, self._base):
            return
        losses = self._losses
        if self._good is None:
            losses.unshown += 1
            return
        losses.good += good
        losses.replaced += not good
        if losses.good > _SEEN_ENOUGH and losses.too_many:
            raise ImageError(losses.why_too_many(self._path))
        self._last = pts
        yield Picture(self._good, pts, duration)

    def _refuse_another_size(self, frame: Any, pts: int) -> None:
        if (frame.width, frame.height) != self._size:
            raise ImageError(
                f"cannot read {shown(self._path)}: its frames change from {self._size[0]} x {self._size[1]} to "
                f"{frame.width} x {frame.height}; do the parts separately "
                f"(--end {float(self._window.since(pts, self._base)):.3f})"
            )
