"""Small films of every kind, made by PyAV; and what a film holds, to compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SIZE = (96, 64)
QUICK = {
    "libx264": {"preset": "ultrafast", "crf": "12"},
    "libx265": {"preset": "ultrafast", "crf": "12", "x265-params": "log-level=none:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "12", "b": "0"},
    "mjpeg": {"qmin": "1", "qmax": "2"},
    "mpeg4": {"qmin": "1", "qmax": "2"},
    "mpeg2video": {"qmin": "1", "qmax": "2"},
}


def scene(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A hazy scene with colour that moves to the left; (H, W, 3)."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    x = x + 2 * number
    waves = [np.sin(x / 7 + shift) + np.sin((x + y) / 11 - shift) for shift in (0.0, 0.5, 1.1)]
    return np.clip(150 + 22 * np.stack(waves, 2) + 30 * y[..., None] / height, 0, 255).astype(np.uint8)


def make(
    path: Path,
    codec: str = "libx264",
    *,
    frames: int = 10,
    size: tuple[int, int] = SIZE,
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 25,
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    audio: Sequence[str] = (),
    container: str | None = None,
    picture: Callable[[int], NDArray[Any]] | None = None,
    metadata: dict[str, str] | None = None,
    rotation: int = 0,
    colour: dict[str, int] | None = None,
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
    prepare: Callable[[Any], object] = lambda container: None,
) -> Path:
    """Write a film.

    Args:
        times: of the frames, in units of time_base. audio: language of each track of sound.
        picture: makes the pixels of each frame. colour: attributes of the encoder.
        options, muxing: of encoder and container.
        prepare: called with the container before anything is written.
    """
    base = time_base or 1 / Fraction(rate)
    with av.open(str(path), "w", format=container, container_options=muxing) as film:
        film.metadata.update(metadata or {})
        prepare(film)
        extra = {**QUICK.get(codec, {}), **(options or {})}
        stream = film.add_stream(codec, rate=rate, width=size[0], height=size[1], time_base=base, options=extra)
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        for name, value in (colour or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        tracks = [_track(film, language) for language in audio]
        for number in range(frames):
            pixels = scene(number, size) if picture is None else picture(number)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.dtype == np.uint8 else "rgb48le")
            frame = frame.reformat(format=pix_fmt, dst_color_range=(colour or {}).get("color_range", 1))
            frame.pts, frame.time_base = number if times is None else times[number], base
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        for number, track in enumerate(tracks):
            _play(film, track, number)
    return path


def _track(film: Any, language: str) -> Any:
    track = film.add_stream("aac", rate=48000)
    track.metadata["language"] = language
    return track


def _play(film: Any, track: Any, number: int) -> None:
    for start in range(0, 19200, 1024):
        tone = np.sin(np.arange(start, start + 1024) * (0.05 + 0.03 * number)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, start
        film.mux(track.encode(frame))
    film.mux(track.encode(None))


@dataclass
class Content:
    """What a film holds. copied: of every other stream its packets' times and bytes."""

    codec: str
    size: tuple[int, int]
    pix_fmt: str
    times: list[Fraction]
    frames: list[NDArray[Any]]
    colour: tuple[int, int, int, int]
    rotation: int
    rate: Fraction | None
    aspect: Fraction | None
    metadata: dict[str, str]
    chapters: list[tuple[Fraction, Fraction, dict[str, str]]]
    copied: list[tuple[str, str | None, list[tuple[Fraction, bytes]]]] = field(default_factory=list)


def content(path: Path) -> Content:
    """Read all of it."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        others: dict[int, tuple[str, str | None, list[tuple[Fraction, bytes]]]] = {
            each.index: (each.type, each.language, []) for each in film.streams if each is not stream
        }
        decoded = []
        for packet in film.demux():
            if packet.stream is stream:
                decoded += packet.decode()
            elif packet.size:
                others[packet.stream.index][2].append((packet.pts * Fraction(packet.time_base), bytes(packet)))
        first, context = decoded[0], stream.codec_context
        return Content(
            codec=context.name,
            size=(context.width, context.height),
            pix_fmt=context.pix_fmt,
            times=[frame.pts * frame.time_base for frame in decoded],
            frames=[frame.to_ndarray(format="rgb24") for frame in decoded],
            colour=(
                int(first.colorspace),
                int(first.color_range),
                int(first.color_primaries),
                int(first.color_trc),
            ),
            rotation=first.rotation,
            rate=stream.average_rate,
            aspect=stream.sample_aspect_ratio,
            metadata=dict(film.metadata),
            chapters=[
                (each["start"] * each["time_base"], each["end"] * each["time_base"], each["metadata"])
                for each in film.chapters()
            ],
            copied=list(others.values()),
        )
