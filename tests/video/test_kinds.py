"""Further kinds of films: each keeps what it has, and what cannot be kept is said. Run with `pytest -m video`."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cliphaze_cli.system.errors import ImageError
from tests.video.conftest import DehazeFilm
from tests.video.films import content, make, scene
from tests.video.test_kept import assert_kept

pytestmark = pytest.mark.video


@pytest.mark.parametrize(
    ("name", "target", "codec", "options", "becomes"),
    [
        ("a.mov", "b.mov", "libx265", {}, "h264"),
        ("a.webm", "b.webm", "libvpx-vp9", {}, "vp9"),
        ("a.mp4", "b.mkv", "libx264", {"bf": "3"}, "h264"),
        ("a.avi", "b.mp4", "mpeg4", {"bf": "2"}, "h264"),
        ("a.mkv", "b.m4v", "mpeg2video", {"bf": "2"}, "h264"),
        ("a.mkv", "b.mp4", "ffv1", {}, "h264"),
    ],
)
def test_codecs_and_containers(
    tmp_path: Path, dehaze: DehazeFilm, name: str, target: str, codec: str, options: dict[str, str], becomes: str
) -> None:
    source = make(tmp_path / name, codec, options=options)
    dehaze(source, tmp_path / target)
    after = content(tmp_path / target)
    assert_kept(content(source), after)
    assert after.codec == becomes


@pytest.mark.parametrize(("codec", "named"), [("h264", "h264"), ("hevc", "hevc"), ("vp9", "vp9"), ("av1", "av1")])
def test_each_codec_is_written(tmp_path: Path, dehaze: DehazeFilm, codec: str, named: str) -> None:
    source = make(tmp_path / "a.mp4")
    dehaze(source, tmp_path / "b.mp4", codec=codec, crf=12)
    after = content(tmp_path / "b.mp4")
    assert_kept(content(source), after, least_psnr=30)
    assert named in after.codec or (codec == "av1" and "dav1d" in after.codec)
    if hasattr(os, "sched_getscheduler"):  # SVT-AV1 would have made this process a real-time one
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_codec_that_the_container_does_not_hold_is_refused(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.mp4")
    with pytest.raises(ImageError, match="give --codec vp9 or av1"):
        dehaze(source, tmp_path / "b.webm", codec="h264")


@pytest.mark.parametrize("rotation", [90, -90, 180])
@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_rotation(tmp_path: Path, dehaze: DehazeFilm, name: str, rotation: int) -> None:
    source = make(tmp_path / name, rotation=rotation, frames=3)
    dehaze(source, tmp_path / f"b{name}")
    before, after = content(source), content(tmp_path / f"b{name}")
    assert_kept(before, after)
    assert abs(before.rotation) == abs(rotation)


def test_interlaced_films_become_full_frames(tmp_path: Path, dehaze: DehazeFilm) -> None:
    def fields(number: int) -> np.ndarray[Any, Any]:
        upper, lower = scene(4 * number), scene(4 * number + 2)
        upper[1::2] = lower[1::2]
        return upper

    options = {"flags": "+ildct+ilme", "field_order": "tt"}
    source = make(tmp_path / "a.mpg", "mpeg2video", container="mpegts", picture=fields, options=options)
    with av.open(str(source)) as film:
        assert next(film.decode(video=0)).interlaced_frame
    result = dehaze(source, tmp_path / "b.mp4")
    before, after = content(source), content(tmp_path / "b.mp4")
    assert any("interlaced" in notice for notice in result.notices)
    assert [time - after.times[0] for time in after.times] == [time - before.times[0] for time in before.times]

    def combs(frame: np.ndarray[Any, Any]) -> float:
        rows = frame.astype(float)
        return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean())

    assert combs(after.frames[5]) < 0.5 * combs(before.frames[5])


def test_subtitles_and_a_cover_in_matroska(tmp_path: Path, dehaze: DehazeFilm) -> None:
    plain = make(tmp_path / "plain.mkv", audio=["fra"])
    source = tmp_path / "a.mkv"
    with av.open(str(plain)) as film, av.open(str(source), "w") as full:
        copies = {each.index: full.add_stream_from_template(each, opaque=True) for each in film.streams}
        copies[1].metadata["language"] = "fra"
        titles = full.add_mux_stream("subrip", time_base=Fraction(1, 1000))
        titles.metadata["language"] = "ita"
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                full.mux(packet)
        line = av.Packet(b"Nebbia")
        line.pts = line.dts = 40
        line.duration, line.time_base, line.stream = 200, Fraction(1, 1000), titles
        full.mux(line)
    dehaze(source, tmp_path / "b.mkv")
    before, after = content(source), content(tmp_path / "b.mkv")
    assert_kept(before, after)
    assert [track[:2] for track in after.copied] == [("audio", "fra"), ("subtitle", "ita")]
    assert after.copied[1][2] == [(Fraction(1, 25), b"Nebbia")]
    with pytest.raises(ImageError, match=r"\.mp4 does not hold its subtitles .*ends in \.mkv"):
        dehaze(source, tmp_path / "b.mp4")


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "notice"),
    [
        ("libx264", "yuv422p", "half the resolution"),
        ("libx264rgb", "rgb24", "half the resolution"),
        ("libx264", "gray", None),
        ("libx264", "yuv420p10le", None),
        ("ffv1", "yuva420p", "transparency"),
    ],
)
def test_formats_of_pixels(tmp_path: Path, dehaze: DehazeFilm, codec: str, pix_fmt: str, notice: str | None) -> None:
    grey = pix_fmt == "gray"
    source = make(
        tmp_path / "a.mkv",
        codec,
        pix_fmt=pix_fmt,
        options={"preset": "ultrafast", "crf": "12"} if "264" in codec else {},
    )
    result = dehaze(source, tmp_path / "b.mkv")
    assert_kept(content(source), content(tmp_path / "b.mkv"), least_psnr=25 if not grey else 33)
    assert (notice is None and not result.notices) or any(str(notice) in each for each in result.notices)


@pytest.mark.parametrize("size", [(2, 2), (16, 300), (300, 16), (95, 63), (97, 64)])
def test_sizes(tmp_path: Path, dehaze: DehazeFilm, size: tuple[int, int]) -> None:
    source = make(tmp_path / "a.mkv", "ffv1", size=size, frames=4)
    for name in ("b.mp4", "b.webm"):
        dehaze(source, tmp_path / name, strength=1.0)
        assert content(tmp_path / name).size == size


def test_colour_labels_of_bt709_and_601(tmp_path: Path, dehaze: DehazeFilm) -> None:
    for number in (1, 6):
        colour = {"color_range": 1, "colorspace": number, "color_primaries": number, "color_trc": number}
        source = make(tmp_path / f"{number}.mp4", colour=colour, frames=2)
        dehaze(source, tmp_path / f"out{number}.mp4")
        before, after = content(source), content(tmp_path / f"out{number}.mp4")
        assert after.colour == before.colour == (number, 1, number, number)


def test_a_change_of_size_is_said(tmp_path: Path, dehaze: DehazeFilm) -> None:
    first = make(tmp_path / "1.ts", "mpeg2video", container="mpegts")
    second = make(tmp_path / "2.ts", "mpeg2video", container="mpegts", size=(128, 64))
    source = tmp_path / "a.mts"
    source.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(ImageError, match="frames change from 96 x 64 to 128 x 64"):
        dehaze(source, tmp_path / "b.mp4")
