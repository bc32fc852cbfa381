"""Full frames of interlaced ones, by FFmpeg's bwdif."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph

from cliphaze_cli.video.decoding import Picture


class Deinterlacer:
    """Lets pictures through until the first interlaced one comes, and from then on sends all through the filter, which
    changes interlaced ones only."""

    def __init__(self, stream: Any, time_base: Fraction) -> None:
        """stream: of PyAV, that the pictures are of."""
        self._stream, self._time_base = stream, time_base
        self._graph: Any = None
        self._durations: dict[int, int] = {}

    @property
    def used(self) -> bool:
        """Whether there was an interlaced one."""
        return self._graph is not None

    def __call__(self, picture: Picture | None) -> Iterator[Picture]:
        """The pictures that are ready; None: there are no more to come."""
        if self._graph is None and (picture is None or not picture.frame.interlaced_frame):
            if picture is not None:
                yield picture
            return
        if self._graph is None:
            assert picture is not None
            self._graph = self._made(picture.frame)
        if picture is None:
            self._graph.vpush(None)
        else:
            picture.frame.pts, picture.frame.time_base = picture.pts, self._time_base
            self._durations[picture.pts] = picture.duration
            self._graph.vpush(picture.frame)
        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            pts = round(frame.pts * frame.time_base / self._time_base)
            yield Picture(frame, pts, self._durations.pop(pts, 0))

    def _made(self, frame: Any) -> Any:
        graph = Graph()
        source = graph.add_buffer(
            template=self._stream,
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=self._time_base,
        )
        filter = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        graph.link_nodes(source, filter, graph.add("buffersink")).configure()
        return graph
