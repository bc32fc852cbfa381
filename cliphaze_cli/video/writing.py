"""Write a film: frames encoded, all other streams copied, and what the file says of itself."""

import contextlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from numpy.typing import NDArray

from cliphaze_cli.imaging.film_names import container_of_name
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.system.scheduling import no_more_urgent
from cliphaze_cli.video import colour, labels
from cliphaze_cli.video.colour import FULL_RANGE, Coding
from cliphaze_cli.video.form import Form, form_for
from cliphaze_cli.video.options import CODECS, Encoding
from cliphaze_cli.video.reading import Film

_LIMITED_RANGE = 1  # of AVCOL_RANGE
_ADVICE = "try another --codec, or an OUTPUT that ends in .mkv"
_KINDS = {"audio": "sound", "subtitle": "subtitles"}


class FilmWriter:
    """`start` sets it up by the first frame, `write` and `copy` add to it, `finish` completes it."""

    form: Form

    def __init__(self, part: Path, target: Path, film: Film, encoding: Encoding, threads: int) -> None:
        """part: the file to write. target: whose name tells the container."""
        self.notices: list[str] = []
        self._film, self._target, self._encoding, self._threads = film, target, encoding, threads
        self._kind = str(container_of_name(target))
        options = {"movflags": labels.movflags(film.container)} if self._kind in ("mp4", "mov") else {}
        self._container = av.open(f"file:{part}", "w", format=self._kind, container_options=options)
        self._stream: Any = None
        self._copies: dict[int, Any] = {}
        self._durations: dict[int, int] = {}
        self._begin, self._end, self._first_dts = 0, 0, 0
        self._waiting: Any = None

    def start(self, frame: Any, coding: Coding) -> None:
        """Set all streams up. Raises ImageError where the container does not hold them."""
        film = self._film
        try:
            self.form = form_for(frame, coding, self._kind, self._encoding)
            self.notices += self.form.notices
            self._add_film(frame)
            for stream in film.others:
                self._add_copy(stream)
            self._container.metadata.update(labels.metadata_of(film.container))
            self._container.set_chapters(labels.chapters(film.container, film.window.start, film.window.end))
            with no_more_urgent():  # than before, as SVT-AV1 would have its threads
                self._container.start_encoding()
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):  # the disk's, which others explain
                raise
            why = f"its encoder or its container refuses it ({error.strerror}): {_ADVICE}"
            raise ImageError(f"cannot write {shown(self._target)}: {why}") from error
        except ValueError as error:
            raise ImageError(f"cannot write {shown(self._target)}: {error}") from error

    def write(self, pixels: NDArray[Any], pts: int, duration: int) -> None:
        """Encode a frame, (H, W, 3) RGB of the film's depth."""
        frame = av.VideoFrame(self._film.width, self._film.height, self.form.pix_fmt)
        if pixels.dtype != self.form.coding.dtype:
            pixels = (pixels >> 8).astype(self.form.coding.dtype)
        colour.fill(frame, pixels, self.form.coding)
        frame.pts, frame.time_base = pts, self._film.time_base
        self._durations[pts] = duration
        self._mux(self._stream.encode(frame))

    def copy(self, packet: Any) -> None:
        """Write a packet of another stream as it is."""
        copy = self._copies.get(packet.stream.index)
        if copy is not None and (packet.dts is not None or packet.pts is not None):
            packet.stream = copy
            self._container.mux_one(packet)

    def finish(self) -> None:
        """Encode what is left, and write the index."""
        self._mux(self._stream.encode(None))
        last = self._waiting
        if last is not None:
            # MP4 counts durations in the order of decoding: all together must last as long as the film does.
            last.duration = max(last.duration or 0, self._end - self._begin - (last.dts - self._first_dts))
            self._container.mux_one(last)
        self._container.close()

    def abandon(self) -> None:
        """Let go of the file, which is not complete."""
        with contextlib.suppress(Exception):
            self._container.close()

    def _mux(self, packets: Iterable[Any]) -> None:
        """Write all but the last of them, which waits for the next."""
        for packet in packets:
            duration = self._durations.pop(packet.pts, 0)
            if duration:
                packet.duration = duration
                self._end = max(self._end, packet.pts + duration)
            if self._waiting is None:
                self._begin, self._first_dts = packet.pts, packet.dts
            else:
                self._container.mux_one(self._waiting)
            self._waiting = packet

    def _add_film(self, frame: Any) -> None:
        film, source, form = self._film, self._film.stream, self.form
        stream = self._container.add_stream(
            CODECS[form.codec].encoder,
            rate=source.average_rate or source.guessed_rate or Fraction(25),
            options=form.options,
            width=film.width,
            height=film.height,
            time_base=film.time_base,
        )
        stream.time_base = film.time_base
        context = stream.codec_context
        context.pix_fmt, context.thread_count = form.pix_fmt, self._threads
        context.color_range = FULL_RANGE if form.coding.full else _LIMITED_RANGE
        context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc
        named = int(frame.colorspace)
        context.colorspace = form.coding.matrix if named == colour.RGB else named
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio
        if form.codec == "hevc" and self._kind in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # by which Apple's players know it
        stream.metadata.update(labels.stream_metadata(source))
        stream.disposition = source.disposition
        stream.set_display_matrix(labels.display_matrix(frame))
        self._stream = stream

    def _add_copy(self, source: Any) -> None:
        kind, name = source.type, _codec_name(source)
        try:
            if kind == "data":
                raise ValueError(name)
            copy = self._container.add_stream_from_template(source, opaque=True)
        except (ValueError, av.error.FFmpegError) as error:
            ending = self._target.suffix
            if kind in _KINDS:
                raise ValueError(
                    f"{ending} does not hold its {_KINDS[kind]} ({name}); give OUTPUT a name that ends in "
                    f"{'.mp4' if self._kind == 'matroska' else '.mkv'}"
                ) from error
            if not self._is_made_anew(source):
                self.notices.append(f"a stream of {kind} ({name}) is left out: {ending} does not hold it")
            return
        copy.metadata.update(labels.stream_metadata(source))
        copy.disposition = source.disposition
        self._copies[source.index] = copy

    def _is_made_anew(self, source: Any) -> bool:
        """Whether a stream holds what the container makes itself, of chapters and of a time code."""
        film = self._film
        return source.type == "data" and bool(film.container.chapters() or "timecode" in film.stream.metadata)


def _codec_name(stream: Any) -> str:
    context = stream.codec_context
    return str(context.name if context is not None else getattr(stream, "name", None) or "unknown")
