"""A progress bar with the rate and the time left, on terminals."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cliphaze_cli.cli.console import Console

if TYPE_CHECKING:
    from rich.console import Console as Terminal
    from rich.progress import Task

SPEED_WINDOW = 600.0  # seconds that the rate is averaged over: large photos take half a minute each


@contextmanager
def progress_bar(
    console: Console,
    total: int,
    doing: Callable[[], str] = lambda: "Dehazing",
    terminal: "Terminal | None" = None,
) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr while the block runs, if the console shows progress; yield what to call after each file.

    doing: what the bar says it is, asked every time. terminal: what else is printed on while it runs.
    """
    if not console.shows_progress:
        yield lambda: None
        return
    from rich.console import Console as StandardError
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.text import Text

    class Doing(ProgressColumn):
        def render(self, task: "Task") -> Text:
            return Text(doing())

    class Rate(ProgressColumn):
        def render(self, task: "Task") -> Text:
            return Text(rate(task.finished_speed or task.speed), style="progress.data.speed")

    class Time(TimeRemainingColumn):
        def render(self, task: "Task") -> Text:
            return super().render(task).append(" elapsed" if task.finished else " left")

    bar = Progress(
        Doing(),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        Rate(),
        Time(elapsed_when_finished=True),
        console=terminal or StandardError(stderr=True),
        speed_estimate_period=SPEED_WINDOW,
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),  # answers on the same terminal go above it,
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def rate(per_second: float | None) -> str:
    """Photos per second for people: seconds per photo where it is less than one; empty while unknown."""
    if not per_second:
        return ""
    return f"{per_second:.1f} photos/s" if per_second >= 1 else f"{1 / per_second:.1f} s/photo"
