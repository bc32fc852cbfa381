"""Paths as people mistype them, and as shells leave them: each gets one line, and no folder of an odd name is made."""

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
    ],
)
def test_one_line_says_what_may_be_wrong(tmp_path: Path, cliphaze: Run, arguments: tuple[str, ...], why: str) -> None:
    save(tmp_path / "in/a.png")
    result = cliphaze("dehaze", *arguments)
    assert result.code == 2 and result.err.count("\n") == 1 and why in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_home_that_no_shell_has_put_in(tmp_path: Path, cliphaze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    save(tmp_path / "a.png")
    save(tmp_path / "~odd.png")
    out = str(tmp_path / "home" / "out" / "a.png")
    assert cliphaze("dehaze", "a.png", "--output=~/out", "--dry-run").out.startswith(f"a.png -> {out}\n")
    assert cliphaze("dehaze", "~odd.png", "out", "--dry-run").out.startswith("~odd.png -> ")
