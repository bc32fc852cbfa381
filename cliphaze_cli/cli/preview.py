"""Photos before and after in the terminal itself, where it shows pictures or at least colours."""

import contextlib
import importlib.util
import io
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from cliphaze_cli.cli.console import Console
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console as Terminal
    from rich.console import ConsoleOptions, RenderResult

ROWS, COLUMNS = 24, 96  # at most
_ROWS_LEFT = 4  # for the photo's name and the progress bar
_MOST_OBLONG = 16
_NEITHER = "this terminal shows neither pictures nor colours"


class Preview:
    """Shows the pictures of results above the progress bar of its terminal."""

    def __init__(self, terminal: "Terminal", image: Any) -> None:
        """image: the class of textual_image.renderable that suits the terminal."""
        self.terminal, self._image = terminal, image

    def show(self, result: FileResult) -> None:
        """Print a photo's name, and below it what it looked like before and after."""
        if result.picture is None:
            return
        from PIL import Image, ImageOps
        from rich.text import Text

        picture = Image.open(io.BytesIO(result.picture)).convert("RGB")
        width, height = picture.size
        least = -(-max(width, height) // _MOST_OBLONG)  # or a panorama would have no rows
        picture = ImageOps.pad(picture, (max(width, least), max(height, least)))
        with contextlib.suppress(OSError):  # a terminal that was closed: the files are wanted all the same
            self.terminal.print(Text(f"{shown(result.source)}: before and after"))
            self.terminal.print(_Bounded(self._image(picture, "auto", "auto")), end="")


class _Bounded:
    """A picture within `COLUMNS` and `ROWS`. Not by arguments of `print`: the progress bar would get that size too."""

    def __init__(self, image: Any) -> None:
        self._image = image

    def __rich_console__(self, terminal: "Terminal", options: "ConsoleOptions") -> "RenderResult":
        rows = max(1, min(ROWS, terminal.height - _ROWS_LEFT))
        bounded = options.update(width=min(COLUMNS, options.max_width), height=rows)
        yield from self._image.__rich_console__(terminal, bounded)


def open_preview(console: Console) -> Preview | None:
    """Find out what the terminal can show; where that is nothing, say so in one line. Raises UsageError without the
    library. Asks the terminal by control sequences, and waits a moment for its answers."""
    if importlib.util.find_spec("textual_image") is None:
        raise UsageError('--preview needs textual-image: pip install "cliphaze[preview]"')
    try:
        return _opened(console)
    except _NothingShownError as why:
        console.notice(f"no previews: {why}")
        return None


class _NothingShownError(Exception):
    """Why nothing can be shown."""


def _opened(console: Console) -> Preview:
    if console.as_json or not console.shows_progress:
        raise _NothingShownError("they need a terminal as standard error, and neither --json nor --quiet")
    if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__)):
        raise _NothingShownError("they need a terminal as standard input and output too")
    if not _in_foreground():
        raise _NothingShownError("this command runs in the background")
    from rich.console import Console as Terminal

    terminal = Terminal(stderr=True)
    if terminal.is_dumb_terminal:  # it would print the questions
        raise _NothingShownError(_NEITHER)
    logging.getLogger("textual_image").addHandler(logging.NullHandler())  # its warnings would go to the terminal
    try:
        from textual_image import renderable  # which asks the terminal
    except Exception as error:
        raise _NothingShownError(f"this terminal's answer is not understood ({type(error).__name__})") from error
    blocks = renderable.Image not in (renderable.SixelImage, renderable.TGPImage)
    if blocks and (terminal.no_color or terminal.color_system is None or terminal.options.ascii_only):
        raise _NothingShownError(_NEITHER)
    return Preview(terminal, renderable.HalfcellImage if blocks else renderable.Image)


def _in_foreground() -> bool:
    """Whether this process may talk to its terminal; the system stops one in the background that tries."""
    if not hasattr(os, "tcgetpgrp"):
        return True
    with contextlib.suppress(OSError):
        return os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()  # type: ignore[union-attr]
    return False
