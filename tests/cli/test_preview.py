"""Previews: in whatever way the terminal shows pictures, above the progress bar; elsewhere one line says why not."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cliphaze_cli.cli import preview
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.preview import ROWS, Preview, open_preview
from cliphaze_cli.report.results import FileResult
from tests.cli.dehazing import Dehaze, save

pytest.importorskip("textual_image")
posix = pytest.mark.skipif(os.name != "posix", reason="pseudo terminals are POSIX")

PROGRAM = """
import io
from pathlib import Path
from PIL import Image
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.preview import open_preview
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.report.results import FileResult

console = Console()
preview = open_preview(console)
with progress_bar(console, 2, terminal=preview and preview.terminal) as advance:
    for size in ((480, 320), (960, 4)):
        picture = io.BytesIO()
        Image.new("RGB", size, (200, 100, 50)).save(picture, "JPEG")
        if preview is not None:
            preview.show(FileResult(Path(f"in/{size[0]}.jpg"), None, "done", picture=picture.getvalue()))
        advance()
"""


@posix
@pytest.mark.parametrize(
    ("answers", "sign", "others"),
    [
        ({"sixel": True}, "\x1bP0;0;0q", ("▀", "\x1b_Gi=")),
        ({"kitty": True}, "f=100", ("▀", "\x1bP0")),
        ({}, "▀", ("\x1bP0", "f=100")),
    ],
)
def test_a_terminal_gets_what_it_can_show(answers: dict[str, Any], sign: str, others: tuple[str, str]) -> None:
    from tests.cli.terminal import seen

    written = seen(["-c", PROGRAM], **answers)
    assert written.count(sign) >= 2 and not any(other in written for other in others)
    assert "in/480.jpg: before and after\n" in written and "in/960.jpg" in written
    assert "2/2" in written
    assert written.count("\n") <= 2 * (ROWS + 2) + 1  # and the bar is as high as before


@posix
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_that_shows_nothing_is_told(environment: dict[str, str]) -> None:
    from tests.cli.terminal import seen

    written = seen(["-c", PROGRAM], environment=environment)
    assert written.count("note: no previews: this terminal shows neither pictures nor colours\n") == 1
    assert "▀" not in written and "2/2" in written
    assert environment.get("TERM") is None or "\x1b" not in written  # it is not even asked


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("console", "terminals", "reason"),
    [
        (Console(), (), "a terminal as standard error"),
        (Console(), ("stderr",), "a terminal as standard input and output"),
        (Console(), ("stderr", "__stdout__"), "a terminal as standard input and output"),
        (Console(as_json=True), ("stderr", "__stdout__", "__stdin__"), "neither --json nor --quiet"),
        (Console(), ("stderr", "__stdout__", "__stdin__"), "in the background"),
    ],
)
def test_where_nothing_can_be_shown_one_line_says_why(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    console: Console,
    terminals: tuple[str, ...],
    reason: str,
) -> None:
    for name in ("stderr", "__stdout__", "__stdin__"):
        monkeypatch.setattr(sys, name, Terminal() if name in terminals else io.StringIO())
    monkeypatch.setattr(preview, "_in_foreground", lambda: False)
    lines: list[str] = []
    monkeypatch.setattr(Console, "notice", lambda self, text: lines.append(text))
    assert open_preview(console) is None
    (line,) = lines
    assert reason in line


def test_without_the_library_it_is_refused_in_one_line(
    tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", "--preview")
    assert result.code == 2 and 'pip install "cliphaze[preview]"' in result.err
    assert not (tmp_path / "out").exists()


def test_photos_are_dehazed_all_the_same(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", "--preview", "--json")
    assert result.code == 0 and "no previews" in result.err and result.document["done"] == 1
    assert dehaze("a.png", "quiet", "--preview", "-q").err == ""


def test_every_photo_that_was_done_is_shown(tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console as Recording

    pictures: list[Image.Image] = []

    class Shown:
        def __init__(self, picture: Image.Image, *size: str) -> None:
            pictures.append(picture)

        def __rich_console__(self, terminal: object, options: object) -> list[str]:
            return ["<picture>"]

    terminal = Recording(file=io.StringIO())
    monkeypatch.setattr("cliphaze_cli.cli.pictures.open_preview", lambda console: Preview(terminal, Shown))
    for name in ("a.png", "c.png"):
        save(tmp_path / "in" / name, 60)
    (tmp_path / "in/b.png").write_bytes(b"broken")
    result = dehaze("in", "out", "--preview")
    assert result.code == 1
    text = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert " ".join(text.split()) == "in/a.png: before and after <picture> in/c.png: before and after <picture>"
    assert [picture.getpixel((2, 2)) for picture in pictures] == [(60, 60, 60)] * 2


def test_a_terminal_that_was_closed_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console as Closed

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    sink = io.BytesIO()
    Image.new("RGB", (1, 1)).save(sink, "JPEG")
    shown = Preview(Closed(file=Gone()), lambda *_: "a picture")
    shown.show(FileResult(Path("a.jpg"), None, "done", picture=sink.getvalue()))
