"""One film from file to file: decoding, estimating, calming, applying and encoding run at the same time."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.imaging.memory import check_memory
from cliphaze_cli.system.atomic_file import atomic_file, shown
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.system.file_status import FileStatus, status_of
from cliphaze_cli.video.ahead import ahead
from cliphaze_cli.video.colour import Coding, coding_of, luma_of, pixels_of
from cliphaze_cli.video.decoding import Picture
from cliphaze_cli.video.frames import FilmDehazer
from cliphaze_cli.video.options import Encoding
from cliphaze_cli.video.reading import Film
from cliphaze_cli.video.writing import FilmWriter

_AHEAD = 3  # frames between two of the stages
_FRAMES_HELD = 10  # of those that a photo of the same size would take memory for; the encoder looks ahead

OnFrame = Callable[[int, int | None, int], object]  # frames written, of about how many, and pixels of each


@dataclass(frozen=True)
class FilmResult:
    """size: (width, height) of the frames. notices: for people. details: to report, JSON-ready: frames that were
    written, how many of them the network saw, and the codec."""

    size: tuple[int, int]
    notices: tuple[str, ...]
    details: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Frame:
    """On its way: the frame of PyAV for what it says, and its pixels, in between as `Prepared`."""

    picture: Picture
    coding: Coding
    pixels: Any

    def prepared_by(self, stages: FilmDehazer) -> "_Frame":
        return replace(self, pixels=stages.prepare(self.pixels, luma_of(self.picture.frame, self.coding)))


def dehaze_film(
    source: Path,
    target: Path,
    dehazer: Dehazer,
    *,
    strength: float,
    denoise: bool = True,
    encoding: Encoding,
    max_pixels: int,
    max_bytes: int | None = None,
    cores: int = 1,
    replace: bool = True,
    preserve: bool = True,
    on_frame: OnFrame = lambda done, of, pixels: None,
    on_end: Callable[[], object] = lambda: None,
) -> FilmResult:
    """Dehaze a film. Its file appears whole or not at all.

    Args:
        denoise: hold noise down over time, see `denoise`.
        max_pixels: of a frame. max_bytes: of memory that it may take; more raises NeedsMemoryError. cores: to use.
        replace, preserve: as for photos, see `imaging.files.write`. on_frame: called after each frame.
        on_end: called after the last one, before the file is completed.

    Raises:
        ImageError: it cannot be read or written, in one line.
    """
    status = _status(source)
    with Film(source, max_pixels=max_pixels, threads=cores, start=encoding.start, end=encoding.end) as film:
        check_memory(film.width, film.height * _FRAMES_HELD, max_bytes)
        stages = FilmDehazer(dehazer, strength=strength, denoise=denoise)
        with atomic_file(target, replace=replace, source=status, dated=preserve) as sink:
            writer = FilmWriter(sink.path, target, film, encoding, cores)
            try:
                done = _written(film, stages, writer, on_frame)
                on_end()
                writer.finish()
            except av.error.FFmpegError as error:
                writer.abandon()
                raise _told(target, error) from error
            except BaseException:
                writer.abandon()
                raise
        notices = (*film.losses.notices, *writer.notices)
        details = {"frames": done, "estimates": stages.over_time.estimates, "codec": writer.form.codec}
        return FilmResult((film.width, film.height), notices, details)


def _written(film: Film, stages: FilmDehazer, writer: FilmWriter, on_frame: OnFrame) -> int:
    decoded = ahead(_decoded(film), _AHEAD)
    prepared = ahead(_each(decoded, lambda frame: frame.prepared_by(stages)), _AHEAD)
    calmed = ahead(_each(prepared, lambda frame: replace(frame, pixels=stages.calm(frame.pixels))), _AHEAD)
    applied = ahead(_each(calmed, lambda frame: replace(frame, pixels=stages.apply(frame.pixels))), _AHEAD)
    held: list[Any] = []  # packets that come before the first frame, by which the streams are set up
    done = 0
    total = film.frames
    with closing(applied):
        for item in applied:
            if not isinstance(item, _Frame):
                if done:
                    writer.copy(item)
                else:
                    held.append(item)
                continue
            if not done:
                writer.start(item.picture.frame, item.coding)
                for packet in held:
                    writer.copy(packet)
            writer.write(item.pixels, item.picture.pts, item.picture.duration)
            done += 1
            on_frame(done, total, film.width * film.height)
    return done


def _decoded(film: Film) -> Iterator[Any]:
    coding = None
    with closing(film.items()) as items:
        for item in items:
            if isinstance(item, Picture):
                coding = coding or coding_of(item.frame)
                yield _Frame(item, coding, pixels_of(item.frame, coding))
            else:
                yield item


def _each(items: Any, work: Callable[[_Frame], _Frame]) -> Iterator[Any]:
    """The items with that done to the frames among them."""
    with closing(items):
        for item in items:
            yield work(item) if isinstance(item, _Frame) else item


def _status(source: Path) -> FileStatus:
    try:
        if not source.is_file():
            raise ImageError(f"cannot read {shown(source)}: there is no such file; check the path")
        with source.open("rb") as stream:
            return status_of(stream.fileno())
    except OSError as error:
        raise ImageError(f"cannot read {shown(source)}: {error.strerror}; check the path and the disk") from error


def _told(target: Path, error: "av.error.FFmpegError") -> Exception:
    """The disk's errors are explained by `atomic_file`."""
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror)
    return ImageError(f"cannot write {shown(target)}: {error.strerror or error}; try another --codec")
