"""Paths as people mistype them, and as shells leave them: each gets one line, and no folder of an odd name is made."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.dehazing import save
from tests.cli.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("*.jpg", "out"), "nothing matches this pattern"),
        (("'in'", "out"), "with the quotes"),
        (('in" out', "out"), "with the quotes"),  # "in\" out: the backslash of Windows took the quote
        (("out", "in"), "are they in the wrong order?"),
        (("in", " "), "a path is empty"),
        ((" ", "out"), "a path is empty"),
        (("my", "photos", "out"), "INPUT does not exist: my (there is 'my photos': a name with blanks needs quotes)"),
        (("in/A.PNG", "in"), "(there is 'a.png')"),
        (("in/a.png ", "in"), "(there is 'a.png')"),
        (("in/a.jpg", "in"), "(there is 'a.png')"),
        (("in/none.jpg", "in"), "are they in the wrong order?"),
        (("in/a.png", "out.pgn"), "no format has the ending .pgn (was .png meant?)"),
        (("in", "out.jpgg"), "no format has the ending .jpgg (was .jpg meant?)"),
    ],
)
def test_one_line_says_what_may_be_wrong(tmp_path: Path, cliphaze: Run, arguments: tuple[str, ...], why: str) -> None:
    save(tmp_path / "in/a.png")
    (tmp_path / "my photos").mkdir()
    result = cliphaze("dehaze", *arguments)
    assert result.code == 2 and result.err.count("\n") == 1 and why in result.err
    assert {path.name for path in tmp_path.iterdir()} == {"in", "my photos"}


@pytest.mark.skipif(sys.platform == "win32", reason="a disk's name is one there")
@pytest.mark.parametrize("path", ["C:\\photos\\x.jpg", "c:/photos/x.jpg"])
def test_a_path_of_windows(tmp_path: Path, cliphaze: Run, path: str) -> None:
    save(tmp_path / "a.png")
    for arguments in ((path, "out"), ("a.png", path)):
        assert f"{path} is a path of Windows: write /mnt/c/photos/x.jpg under WSL" in cliphaze("dehaze", *arguments).err
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_that_leads_nowhere(tmp_path: Path, cliphaze: Run) -> None:
    (tmp_path / "a.png").symlink_to("gone.png")
    assert "a.png (it is a link to gone.png, which is not there)" in cliphaze("dehaze", "a.png", "out").err


def test_an_ending_of_no_format_may_be_a_folder(tmp_path: Path, cliphaze: Run) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.pgn").mkdir()
    for folder in ("b.pgn", "c.2024", "d.v1", "e.old"):
        assert cliphaze("dehaze", "a.png", folder, "--dry-run").code == 0


def test_a_home_that_no_shell_has_put_in(tmp_path: Path, cliphaze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    save(tmp_path / "a.png")
    save(tmp_path / "~odd.png")
    out = str(tmp_path / "home" / "out" / "a.png")
    assert cliphaze("dehaze", "a.png", "--output=~/out", "--dry-run").out.startswith(f"a.png -> {out}\n")
    assert cliphaze("dehaze", "~odd.png", "out", "--dry-run").out.startswith("~odd.png -> ")
