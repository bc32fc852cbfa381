"""Damaged films: what is lost is told and replaced, and nothing half-written stays."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.system.errors import ImageError, NeedsMemoryError, OutputExistsError
from cliphaze_cli.video.film import dehaze_film
from cliphaze_cli.video.options import Encoding
from tests.video.conftest import DehazeFilm
from tests.video.films import content, make

INTRA = {"g": "1", "bf": "0"}


def packets(path: Path) -> list[tuple[int, int]]:
    """Place and size of each frame, in their order."""
    with av.open(str(path)) as film:
        return [(packet.pos, packet.size) for packet in film.demux(film.streams.video[0]) if packet.size]


def damage(path: Path, frames: list[int]) -> Path:
    """Overwrite frames, but for their beginning."""
    data, places, noise = bytearray(path.read_bytes()), packets(path), np.random.default_rng(0)
    for number in frames:
        place, size = places[number]
        data[place + size // 4 : place + size] = noise.bytes(size - size // 4)
    path.write_bytes(data)
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", INTRA),
        ("a.avi", "mjpeg", {}),
        pytest.param("a.mp4", "libx265", {"x265-params": "log-level=none:pools=1:keyint=1"}, marks=pytest.mark.video),
        pytest.param("a.mkv", "mpeg4", INTRA, marks=pytest.mark.video),
    ],
)
def test_a_damaged_frame_is_told_and_the_one_before_it_stays(
    tmp_path: Path, dehaze: DehazeFilm, name: str, codec: str, options: dict[str, str]
) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    source = make(tmp_path / name, codec, frames=12, pix_fmt=pix_fmt, options=options)
    whole = content(source)
    result = dehaze(damage(source, [5]), tmp_path / "b.mkv")
    assert "damaged: 1 frame was replaced by the last good one" in result.notices
    after = content(tmp_path / "b.mkv")
    assert after.times == whole.times
    apart = [
        float(np.abs(one.astype(float) - other).mean()) for one, other in zip(whole.frames, after.frames, strict=True)
    ]
    held = float(np.abs(whole.frames[4].astype(float) - after.frames[5]).mean())
    assert max(apart[:5] + apart[6:]) < 5 and held < 5 and apart[5] > 2 * held


def test_too_many_damaged_frames_fail_the_film(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = damage(make(tmp_path / "a.mp4", frames=12, options=INTRA), [2, 4, 6, 7, 9])
    with pytest.raises(ImageError, match=r"5 of 12 frames are damaged.*copy it again"):
        dehaze(source, tmp_path / "b.mp4")
    assert names_in(tmp_path) == {"a.mp4"}


def test_a_film_without_any_good_frame_fails(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = damage(make(tmp_path / "a.avi", "mjpeg", frames=2, pix_fmt="yuvj420p"), [0, 1])
    with pytest.raises(ImageError, match="no frame of it can be decoded"):
        dehaze(source, tmp_path / "b.mkv")
    assert names_in(tmp_path) == {"a.avi"}


def test_a_film_that_is_cut_off_is_told(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.mp4", frames=40, options=INTRA, muxing={"movflags": "faststart"})
    place, _ = packets(source)[38]
    source.write_bytes(source.read_bytes()[:place])
    result = dehaze(source, tmp_path / "b.mp4")
    assert result.details["frames"] == 38
    assert result.notices == ("cut off: it ends after 1.5 of its 1.6 s; copy it again if there is more",)

    place, _ = packets(source)[20]
    source.write_bytes(source.read_bytes()[:place])
    with pytest.raises(ImageError, match=r"cut off after 0\.8 of its 1\.6 s; copy it again, or give --end 0\.8"):
        dehaze(source, tmp_path / "c.mp4")
    assert dehaze(source, tmp_path / "c.mp4", end=0.8).details["frames"] == 20


@pytest.mark.video
@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.webm", "libvpx-vp9"), ("a.avi", "mpeg4")])
def test_other_containers_that_are_cut_off_are_told(tmp_path: Path, dehaze: DehazeFilm, name: str, codec: str) -> None:
    source = make(tmp_path / name, codec, frames=50)
    place, _ = packets(source)[25]
    source.write_bytes(source.read_bytes()[:place])
    with pytest.raises(ImageError, match=r"cut off after (0\.9|1\.0) of its 2\.0 s"):
        dehaze(source, tmp_path / "b.mkv")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a film"),
        (b"no film at all" * 9, "not a film"),
        (b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n", "not a film"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a film"),
    ],
)
def test_what_is_no_film_is_said(tmp_path: Path, dehaze: DehazeFilm, data: bytes, why: str) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(ImageError, match=why):
        dehaze(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert names_in(tmp_path) == {"a.mp4"}


def test_limits_and_files_that_are_there_already(tmp_path: Path, dehazer: Dehazer) -> None:
    source, target = make(tmp_path / "a.mp4", frames=2), tmp_path / "b.mp4"

    def run(**options: Any) -> None:
        given = {"strength": 1.0, "encoding": Encoding(), "max_pixels": 10**6, **options}
        dehaze_film(source, target, dehazer, **given)

    with pytest.raises(ImageError, match="--max-megapixels"):
        run(max_pixels=1000)
    with pytest.raises(NeedsMemoryError):
        run(max_bytes=1000)
    target.write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        run(replace=False)
    assert target.read_bytes() == b"mine" and names_in(tmp_path) == {"a.mp4", "b.mp4"}


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, dehazer: Dehazer) -> None:
    source = make(tmp_path / "a.mp4", frames=6)

    def interrupt(done: int, total: int | None, pixels: int) -> None:
        assert total == 6 and pixels == 96 * 64
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dehaze_film(
            source,
            tmp_path / "b.mp4",
            dehazer,
            strength=1.0,
            encoding=Encoding(),
            max_pixels=10**6,
            on_frame=interrupt,
        )
    assert names_in(tmp_path) == {"a.mp4"}
