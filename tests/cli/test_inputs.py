"""Inputs as people give them: stars, several folders, `-o`, `-`, and files of other kinds."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.report.storage import load
from tests.cli.dehazing import Dehaze, files_in, level, save
from tests.corpus.case import base, saved


def test_several_inputs_and_the_last_is_the_output(tmp_path: Path, dehaze: Dehaze) -> None:
    for name in ("a.png", "b.png", "in/c.png", "in/sub/d.png"):
        save(tmp_path / name, 50)
    assert dehaze("a.png", "b.png", "in", "out").code == 0
    assert files_in(tmp_path / "out") == ["a.png", "b.png", "c.png"]
    assert level(tmp_path / "out/c.png") == pytest.approx(100, abs=1)
    assert dehaze("a.png", "in", "-o", "out2", "--recursive").code == 0
    assert files_in(tmp_path / "out2") == ["a.png", "c.png", "sub/d.png"]
    assert dehaze("a.png", "--output", "new.png").code == 0
    assert level(tmp_path / "new.png") == pytest.approx(100, abs=1)


def test_a_missing_input_among_several_is_refused_before_work(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "a.png")
    result = dehaze("a.png", "gone.png", "out")
    assert result.code == 2 and "INPUT does not exist: gone.png" in result.err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_photos_is_nothing_to_do(tmp_path: Path, dehaze: Dehaze) -> None:
    (tmp_path / "in").mkdir()
    result = dehaze("in", "out", "--report", "done.json")
    assert result.code == 0
    assert result.err == "nothing to do: no images in in\n"
    assert load(tmp_path / "done.json")["files"] == []
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_rawpy", "without_films")
def test_other_kinds_in_a_folder_are_told_in_one_line_and_counted(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.png")
    for name in ("b.nef", "c.NEF", "d.mp4", "e.gif", "notes.txt"):
        (tmp_path / "in" / name).write_bytes(b"any")
    result = dehaze("in", "out", "--no-clip", "--json", "--report", "r.csv")
    assert result.code == 0
    (note,) = [line for line in result.err.splitlines() if line.startswith("note:")]
    assert note == "note: 4 files left out for their kind: 2 camera raw, 1 GIF, 1 video"
    assert result.document["left_out"] == {"camera raw": 2, "video": 1, "GIF": 1}
    assert load(tmp_path / "r.csv")["left_out"] == result.document["left_out"]


@pytest.mark.usefixtures("without_rawpy", "without_films")
@pytest.mark.parametrize("kind", [("clip.mp4", "is a video"), ("photo.CR3", "is a camera raw file")])
def test_another_kind_given_by_name_leaves_nothing_behind(
    tmp_path: Path, dehaze: Dehaze, kind: tuple[str, str]
) -> None:
    (tmp_path / kind[0]).write_bytes(b"any")
    result = dehaze(kind[0], "out/clear", "--report", "r.json", weights=None)
    assert result.code == 2
    assert kind[1] in result.err and len(result.err.splitlines()) == 1
    assert files_in(tmp_path) == [kind[0]] and not (tmp_path / "out").exists()


def test_of_two_photos_for_one_output_the_later_fails_and_the_rest_is_done(tmp_path: Path, dehaze: Dehaze) -> None:
    for name in ("a.bmp", "a.png", "b.png"):
        save(tmp_path / "in" / name)
    result = dehaze("in", "out", "--format", "png", "--json")
    assert result.code == 1
    assert [record["status"] for record in result.document["files"]] == ["done", "failed", "done"]
    assert "a.bmp is written to" in result.err
    assert files_in(tmp_path / "out") == ["a.png", "b.png"]


def pipe(*arguments: str, weights: Path, data: bytes, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """The real command, whose streams are a program's."""
    return subprocess.run(
        [sys.executable, "-m", "cliphaze_cli", "dehaze", *arguments, "--no-clip", "--weights", str(weights)],
        input=data,
        capture_output=True,
        cwd=folder,
        check=False,
        timeout=180,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


@pytest.mark.parametrize(("format", "options"), [("PNG", ()), ("TIFF", ()), ("WEBP", ("--format", "png"))])
def test_a_photo_through_pipes(tmp_path: Path, doubling_weights: Path, format: str, options: tuple[str, ...]) -> None:
    data = saved(Image.new("RGB", (40, 30), (60, 60, 60)), format)
    result = pipe("-", "-", *options, weights=doubling_weights, data=data, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (tmp_path / "out").write_bytes(result.stdout)
    with Image.open(tmp_path / "out") as image:
        assert image.format == ("PNG" if options else format)
        assert np.asarray(image).mean() == pytest.approx(120, abs=3)
    assert b"1 dehazed" in result.stderr


def test_a_pipe_on_one_side(tmp_path: Path, doubling_weights: Path) -> None:
    save(tmp_path / "in.png", 60)
    out = pipe("in.png", "-", weights=doubling_weights, data=b"", folder=tmp_path)
    assert out.returncode == 0 and out.stdout.startswith(b"\x89PNG")
    into = pipe("-", "new.jpg", weights=doubling_weights, data=out.stdout, folder=tmp_path)
    assert into.returncode == 0
    assert level(tmp_path / "new.jpg") == pytest.approx(240, abs=2)


def test_what_is_no_photo_gives_one_line_and_no_output(tmp_path: Path, doubling_weights: Path) -> None:
    result = pipe("-", "-", weights=doubling_weights, data=saved(Image.fromarray(base()), "PNG")[:60], folder=tmp_path)
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"standard input" in result.stderr and b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("-", "a.png", "out"),
        ("folder", "-"),
        ("-", "-", "--json"),
        ("-", "-", "--density"),
        ("-", "b.png", "--report", "r.csv"),
    ],
)
def test_what_a_stream_cannot_be_used_with(tmp_path: Path, dehaze: Dehaze, arguments: tuple[str, ...]) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "folder/c.png")
    result = dehaze(*arguments)
    assert result.code == 2 and len(result.err.splitlines()) == 1
    assert files_in(tmp_path) == ["a.png", "folder/c.png"]
