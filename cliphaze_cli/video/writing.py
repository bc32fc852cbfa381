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
from cliphaze_cli.video import colour
from cliphaze_cli.video.colour import Coding
from cliphaze_cli.video.options import CODECS, Encoding, codec_for, encoder_options
from cliphaze_cli.video.reading import Film

_NOT_METADATA = ("major_brand", "minor_version", "compatible_brands", "encoder", "creation_time_utc")
_PLAIN_METADATA = frozenset(
    [
        "title",
        "artist",
        "album_artist",
        "album",
        "composer",
        "date",
        "year",
        "comment",
        "genre",
        "copyright",
        "description",
        "synopsis",
        "encoder",
        "creation_time",
        "location",
        "location-eng",
        "keywords",
        "show",
        "network",
        "episode_id",
        "grouping",
        "lyrics",
        "language",
        "track",
        "disc",
    ]
)
_UNSPECIFIED = 2  # of AVCOL_PRI, AVCOL_TRC, AVCOL_SPC


class FilmWriter:
    """Encodes frames into a file and copies packets; `close` completes it."""

    def __init__(self, part: Path, target: Path, film: Film, encoding: Encoding, threads: int) -> None:
        """Open it. part: the file to write; target: whose name tells the container. Raises ImageError."""
        container = container_of_name(target)
        assert container is not None
        self._film, self._target, self._encoding, self._threads = film, target, encoding, threads
        self.notices: list[str] = []
        self._durations: dict[int, int] = {}
        self._begin, self._end = 0, 0  # of what was written
        self._first_dts: Any = None
        self._waiting: Any = None
        options = {"movflags": _movflags(film)} if container in ("mp4", "mov") else {}
        self._container = av.open(f"file:{part}", "w", format=container, container_options=options)
        self._stream: Any = None
        self._copies: dict[int, Any] = {}

    def start(self, frame: Any, coding: Coding) -> None:
        """Set all streams up, by the first frame. Raises ImageError where the container does not hold them."""
        film, encoding = self._film, self._encoding
        container = str(container_of_name(self._target))
        try:
            self.codec = codec_for(container, encoding.codec, deep=coding.bits > 8)
        except ValueError as error:
            raise ImageError(f"cannot write {shown(self._target)}: {error}") from error
        codec = CODECS[self.codec]
        deep = coding.bits > 8 and codec.deep
        if coding.bits > 8 and not deep:
            self.notices.append(f"written with 8 bits: {self.codec} holds no more here")
        odd = (film.width % 2 or film.height % 2) and self.codec != "vp9"
        if odd:
            self.notices.append(
                "its sides are odd: colour is written at full resolution (4:4:4), which some players refuse"
            )
        elif not colour.has_halved_colour(frame.format):
            self.notices.append("colour is written at half the resolution (4:2:0), which all players know")
        if any(component.is_alpha for component in frame.format.components):
            self.notices.append("its transparency is left out")
        self.coding = Coding(coding.matrix, coding.full, 10 if deep else 8)
        self._shift = coding.bits > 8 and not deep
        self._pix_fmt = f"yuv{'444' if odd else '420'}p{'10le' if deep else ''}"
        self._add_film(frame, encoding)
        for stream in film.others:
            self._add_copy(stream)
        self._container.metadata.update(
            {key: value for key, value in film.container.metadata.items() if key not in _NOT_METADATA}
        )
        self._container.set_chapters(_chapters(film.container.chapters(), encoding))
        try:
            self._container.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            raise _refused(self._target, error) from error

    def _add_film(self, frame: Any, encoding: Encoding) -> None:
        film, codec = self._film, CODECS[self.codec]
        crf = codec.crf if encoding.crf is None else encoding.crf
        if crf > codec.largest_crf:
            raise ImageError(f"--crf of {self.codec} is at most {codec.largest_crf}, not {crf}")
        rate = film.stream.average_rate or film.stream.guessed_rate or Fraction(25)
        stream = self._container.add_stream(
            codec.encoder,
            rate=rate,
            options=encoder_options(self.codec, crf, encoding.preset),
            width=film.width,
            height=film.height,
            time_base=film.time_base,
        )
        context = stream.codec_context
        stream.time_base = film.time_base
        context.pix_fmt = self._pix_fmt
        context.thread_count = self._threads
        context.color_range = 2 if self.coding.full else 1
        context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc
        tagged = int(frame.colorspace)
        context.colorspace = self.coding.matrix if tagged == colour.RGB else tagged
        if film.stream.sample_aspect_ratio:
            context.sample_aspect_ratio = film.stream.sample_aspect_ratio
        if self.codec == "hevc" and container_of_name(self._target) in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # by which Apple's players know it
        stream.metadata.update(_stream_metadata(film.stream))
        stream.disposition = film.stream.disposition
        matrix = _display_matrix(frame)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        self._stream = stream

    def _add_copy(self, source: Any) -> None:
        kind, name = source.type, _codec_name(source)
        try:
            if kind == "data":
                raise ValueError(name)
            copy = self._container.add_stream_from_template(source, opaque=True)
            copy.metadata.update(_stream_metadata(source))
            copy.disposition = source.disposition
            self._copies[source.index] = copy
        except (ValueError, av.error.FFmpegError) as error:
            if kind in ("audio", "subtitle"):
                container = self._target.suffix
                other = ".mkv" if container != ".mkv" else ".mp4"
                raise ImageError(
                    f"cannot write {shown(self._target)}: {container} does not hold its {_KINDS[kind]} ({name}); "
                    f"give OUTPUT a name that ends in {other}"
                ) from error
            if not self._written_anew(source):
                self.notices.append(f"a stream of {kind} ({name}) is left out: {self._target.suffix} does not hold it")

    def _written_anew(self, source: Any) -> bool:
        """Whether a stream holds what the container makes itself, of chapters and of a time code."""
        if source.type != "data":
            return False
        return bool(self._film.container.chapters()) or "timecode" in self._film.stream.metadata

    def write(self, pixels: NDArray[Any], pts: int, duration: int) -> None:
        """Encode a frame, (H, W, 3) RGB of the film's depth."""
        frame = av.VideoFrame(self._film.width, self._film.height, self._pix_fmt)
        colour.fill(frame, (pixels >> 8).astype("uint8") if self._shift else pixels, self.coding)
        frame.pts, frame.time_base = pts, self._film.time_base
        self._durations[pts] = duration
        self._mux(self._stream.encode(frame))

    def copy(self, packet: Any) -> None:
        """Write a packet as it is."""
        copy = self._copies.get(packet.stream.index)
        if copy is not None and (packet.dts is not None or packet.pts is not None):
            packet.stream = copy
            self._container.mux_one(packet)

    def _mux(self, packets: Iterable[Any]) -> None:
        """Write all but the last of them, which waits for the next."""
        for packet in packets:
            duration = self._durations.pop(packet.pts, 0)
            if duration:
                packet.duration = duration
                self._end = max(self._end, packet.pts + duration)
            if self._first_dts is None:
                self._begin, self._first_dts = packet.pts, packet.dts
            if self._waiting is not None:
                self._container.mux_one(self._waiting)
            self._waiting = packet

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


_KINDS = {"audio": "sound", "subtitle": "subtitles"}


def _movflags(film: Film) -> str:
    keys = {key.lower() for key in film.container.metadata}
    others = keys - _PLAIN_METADATA - set(_NOT_METADATA)
    return "+faststart+use_metadata_tags" if others else "+faststart"


def _codec_name(stream: Any) -> str:
    context = stream.codec_context
    return str(context.name if context is not None else getattr(stream, "name", None) or "unknown")


def _stream_metadata(stream: Any) -> dict[str, str]:
    return {key: value for key, value in stream.metadata.items() if key not in ("encoder", "rotate", "DURATION")}


def _display_matrix(frame: Any) -> tuple[int, ...] | None:
    import numpy as np

    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return tuple(int(value) for value in np.frombuffer(bytes(data), np.int32))
    return None


def _chapters(chapters: list[dict[str, Any]], encoding: Encoding) -> list[dict[str, Any]]:
    """Those in the part that is kept, by its times."""
    start, end = Fraction(encoding.start or 0).limit_denominator(10**6), encoding.end
    kept = []
    for chapter in chapters:
        base = chapter["time_base"]
        first, last = chapter["start"] * base - start, chapter["end"] * base - start
        if end is not None:
            last = min(last, Fraction(end) - start)
        first = max(first, Fraction(0))
        if last > first:
            kept.append({**chapter, "start": round(first / base), "end": round(last / base)})
    return kept


def _refused(target: Path, error: Exception) -> ImageError:
    reason = " ".join(str(error).split()).rstrip(".")
    return ImageError(f"cannot write {shown(target)}: {reason}; try another --codec, or a name that ends in .mkv")
