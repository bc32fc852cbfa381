"""Films through the command: beside photos, with progress and reports, and without the extra."""

import io
from pathlib import Path

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.report.storage import load
from tests.cli.dehazing import Dehaze, files_in, save

pytest.importorskip("av")

from tests.video.films import content, make


def test_films_in_folders_beside_photos(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.png")
    for name in ("b.mp4", "c.avi", "sub/d.mov"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        codec = "mpeg4" if name.endswith("avi") else "libx264"
        make(tmp_path / "in" / name, codec, frames=3)
    (tmp_path / "in/e.mp4").write_bytes(b"no film")
    given = ("in", "out", "--recursive", "--report", "r.json", "--suffix", "_clear")
    result = dehaze(*given, "--preset", "ultrafast", "--crf", "20", "--density")
    assert result.code == 1 and "in/e.mp4: not a film" in result.err.replace("cannot read ", "")
    pictures = ["a_clear.density-overlay.png", "a_clear.density.png", "a_clear.png"]
    assert files_in(tmp_path / "out") == [*pictures, "b_clear.mp4", "c_clear.mkv", "sub/d_clear.mov"]
    assert "density maps are of photos" in result.err
    report = load(tmp_path / "r.json")
    assert [file["frames"] for file in report["files"]] == [None, 3, 3, None, 3]
    assert report["settings"]["crf"] == 20

    (tmp_path / "in/e.mp4").unlink()
    make(tmp_path / "in/e.mp4", frames=2)
    assert dehaze("--retry", "r.json", "--crf", "30").code == 0
    assert len(content(tmp_path / "out/e_clear.mp4").frames) == 2


def test_options_that_make_no_sense_are_refused_in_one_line(tmp_path: Path, dehaze: Dehaze) -> None:
    make(tmp_path / "a.mp4", frames=1)
    save(tmp_path / "b.png")
    for given, complaint in (
        (("a.mp4", "c.avi"), "only .mp4, .m4v, .mov, .mkv or .webm"),
        (("a.mp4", "c.png"), "names a photo, but a.mp4 is a film"),
        (("b.png", "c.mp4"), "names a film, but b.png is a photo"),
        (("a.mp4", "c.mp4", "--codec", "divx"), "--codec must be one of h264, hevc, vp9, av1"),
        (("a.mp4", "c.mp4", "--codec", "h264", "--crf", "60"), "--crf of h264 must lie between 0 (best) and 51"),
        (("a.mp4", "c.mp4", "--preset", "best"), "--preset must be one of ultrafast"),
        (("a.mp4", "c.mp4", "--start", "soon"), "a time is seconds, or hours:minutes:seconds"),
        (("a.mp4", "c.mp4", "--start", "0:02", "--end", "1.5"), "--end must come after --start"),
        (("a.mp4", "b.png", "c.mp4"), "name a folder"),
    ):
        result = dehaze(*given)
        assert result.code == 2 and complaint in result.err and len(result.err.splitlines()) == 1
    assert files_in(tmp_path) == ["a.mp4", "b.png"]


@pytest.mark.usefixtures("without_films")
def test_without_the_extra_a_film_by_name_says_what_to_install(tmp_path: Path, dehaze: Dehaze) -> None:
    (tmp_path / "a.mp4").write_bytes(b"any")
    for output in ("out", "b.mp4"):
        result = dehaze("a.mp4", output)
        assert result.code == 2 and 'pip install "cliphaze[video]"' in result.err and len(result.err.splitlines()) == 1


def test_a_single_film_shows_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with progress_bar(Console(), total=1) as advance:
        film = Job(Path("fog [1]\x1b[41m.mp4"), Path("out.mp4"))
        for done in (0, 10, 30):
            advance.frames(film, done, 40)
        advance()
    assert "fog [1]\\x1b" in stream.getvalue() and "30/40" in stream.getvalue()
    assert "\x1b[41m" not in stream.getvalue()
