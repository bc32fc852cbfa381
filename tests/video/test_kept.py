"""What films keep, kind by kind. With strength 0 their frames stay what they are, but for the encoder."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.video.conftest import DehazeFilm
from tests.video.films import Content, content, make

BT709, BT2020 = 1, 9
PQ = 16


def assert_kept(before: Content, after: Content, least_psnr: float = 33.0) -> None:
    """All but the codec."""
    assert after.size == before.size and after.times == before.times
    assert after.rotation == before.rotation and (after.aspect or 1) == (before.aspect or 1)
    assert after.copied == before.copied and after.chapters == before.chapters
    for one, other in zip(before.frames, after.frames, strict=True):
        error = np.mean((one.astype(float) - other) ** 2)
        assert 10 * np.log10(255**2 / (error + 1e-9)) > least_psnr


def test_sound_rotation_metadata_and_chapters_of_mp4(tmp_path: Path, dehaze: DehazeFilm) -> None:
    chapters = [
        {"id": n, "start": n * 200, "end": n * 200 + 200, "time_base": Fraction(1, 1000), "metadata": {"title": f"{n}"}}
        for n in range(2)
    ]
    source = make(
        tmp_path / "a.mp4",
        audio=["eng", "deu"],
        rotation=90,
        metadata={"title": "Fog", "com.apple.quicktime.make": "a camera", "location": "+47.4-121.5/"},
        prepare=lambda film: film.set_chapters(chapters),
    )
    result = dehaze(source, tmp_path / "b.mp4")
    before, after = content(source), content(tmp_path / "b.mp4")
    assert_kept(before, after)
    assert before.rotation == 90 and [track[1] for track in before.copied if track[0] == "audio"] == ["eng", "deu"]
    assert len(before.chapters) == 2 and before.metadata.items() <= after.metadata.items()
    assert after.codec == "h264" and after.pix_fmt == "yuv420p" and not result.notices
    data = (tmp_path / "b.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # playable before all of it is there


def test_times_of_a_variable_rate(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.mp4", times=[0, 1, 3, 4, 8, 9, 10, 15, 16, 30], time_base=Fraction(1, 600))
    dehaze(source, tmp_path / "b.mp4")
    before, after = content(source), content(tmp_path / "b.mp4")
    assert_kept(before, after)
    assert before.rate == after.rate and len(set(np.diff([float(time) for time in after.times]).round(6))) > 3


def test_ten_bits_with_their_colours(tmp_path: Path, dehaze: DehazeFilm) -> None:
    colour = {"color_range": 1, "colorspace": BT2020, "color_primaries": BT2020, "color_trc": PQ}
    source = make(tmp_path / "a.mp4", "libx265", pix_fmt="yuv420p10le", colour=colour)
    result = dehaze(source, tmp_path / "b.mp4")
    before, after = content(source), content(tmp_path / "b.mp4")
    assert_kept(before, after)
    assert [notice[:4] for notice in result.notices] == ["HDR:"]
    assert after.pix_fmt == "yuv420p10le" and after.codec == "hevc"
    assert after.colour == before.colour == (BT2020, 1, BT2020, PQ)


def test_full_range_and_a_cover_in_matroska_of_avi(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p", colour={"color_range": 2})
    dehaze(source, tmp_path / "b.mkv")
    before, after = content(source), content(tmp_path / "b.mkv")
    assert_kept(before, after)
    assert after.colour[1] == before.colour[1] == 2


def test_one_frame(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.mp4", frames=1)
    assert dehaze(source, tmp_path / "b.mp4").details["frames"] == 1
    assert_kept(content(source), content(tmp_path / "b.mp4"))


def test_odd_sides(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.mkv", "ffv1", size=(95, 63))
    result = dehaze(source, tmp_path / "b.mp4")
    assert_kept(content(source), content(tmp_path / "b.mp4"), least_psnr=30)
    assert "odd" in result.notices[0]


def test_a_part_begins_at_zero_with_its_sound(tmp_path: Path, dehaze: DehazeFilm) -> None:
    source = make(tmp_path / "a.mp4", frames=20, audio=["eng"], options={"g": "8"})
    assert dehaze(source, tmp_path / "b.mp4", start=0.2, end=0.6).details["frames"] == 10
    before, after = content(source), content(tmp_path / "b.mp4")
    assert after.times == [time - Fraction(1, 5) for time in before.times[5:15]]
    sound = [time for time, _ in after.copied[0][2]]
    assert sound and 0 <= min(sound) < 0.03 and max(sound) < 0.4


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_dehazing_changes_frames_only_by_its_strength(tmp_path: Path, dehaze: DehazeFilm, strength: float) -> None:
    source = make(tmp_path / "a.mp4", frames=3)
    dehaze(source, tmp_path / "b.mp4", strength=strength)
    change = np.abs(content(source).frames[-1].astype(float) - content(tmp_path / "b.mp4").frames[-1]).mean()
    assert (change > 2) == bool(strength)
