"""A progress bar with the rate and the time left, on terminals."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.batch.job import Job
from cliphaze_cli.cli.console import Console
from cliphaze_cli.system.atomic_file import shown

if TYPE_CHECKING:
    from rich.console import Console as Terminal
    from rich.progress import Task

SPEED_WINDOW = 600.0  # seconds that the rate is averaged over: large photos take half a minute each


@dataclass(frozen=True)
class Advance:
    """To be called after each file, and `frames` with each look at a film: its job, frames done, of about how many."""

    file: Callable[[], object]
    frames: Callable[[Job, int, int | None], object]

    def __call__(self) -> None:
        """One more file is done."""
        self.file()


@contextmanager
def progress_bar(
    console: Console,
    total: int,
    doing: Callable[[], str] = lambda: "Dehazing",
    terminal: "Terminal | None" = None,
) -> Iterator[Advance]:
    """Show a bar on stderr while the block runs, if the console shows progress; yield what to call after each file.

    doing: what the bar says it is, asked every time. terminal: what else is printed on while it runs.
    """
    if not console.shows_progress:
        yield Advance(lambda: None, lambda film, done, of: None)
        return
    from rich.console import Console as StandardError
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TimeRemainingColumn
    from rich.text import Text

    class Doing(ProgressColumn):
        def render(self, task: "Task") -> Text:
            return Text(task.description or doing())

    class Rate(ProgressColumn):
        def render(self, task: "Task") -> Text:
            return Text(rate(task.finished_speed or task.speed, task.fields["unit"]), style="progress.data.speed")

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
        files = bar.add_task("", total=total, unit="photo")
        films: dict[Job, TaskID] = {}

        def frames(film: Job, done: int, of: int | None) -> None:
            if done and film not in films:
                films[film] = bar.add_task(shown(Path(film.source.name)), total=of, unit="frame")
            if done:
                bar.update(films[film], completed=done, total=None if of is None else max(done, of))
            bar.update(files, visible=total > 1 or not films)  # of a single film its frames are what counts

        yield Advance(lambda: bar.advance(files), frames)


def rate(per_second: float | None, unit: str = "photo") -> str:
    """Photos, or frames, per second for people: seconds for each where it is less than one; empty while unknown."""
    if not per_second:
        return ""
    return f"{per_second:.1f} {unit}s/s" if per_second >= 1 else f"{1 / per_second:.1f} s/{unit}"
