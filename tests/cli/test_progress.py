"""The progress bar: on a terminal it counts and tells the rate; elsewhere it is silent."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.progress import Advance, progress_bar, rate
from tests.cli.dehazing import Dehaze, files_in, save
from tests.cli.in_process import InThisProcess


@pytest.mark.parametrize(("speed", "text"), [(None, ""), (0.0, ""), (2.5, "2.5 photos/s"), (0.125, "8.0 s/photo")])
def test_rate(speed: float | None, text: str) -> None:
    assert rate(speed) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_the_count_and_everybody_else_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in ((Terminal(), "3/3"), (Terminal(), " left"), (Terminal(), " elapsed"), (io.StringIO(), "")):
        monkeypatch.setattr("sys.stderr", stream)
        with progress_bar(Console(), total=3) as advance:
            for _ in range(3):
                advance()
        assert (expected in stream.getvalue()) if expected else not stream.getvalue()


class LastFirst(InThisProcess):
    """Photos are done in the reverse order of their names; that the real pool keeps none, test_pool shows."""

    def taken(self, jobs: Iterable[Job]) -> Iterable[Job]:
        return reversed(list(jobs))


def test_the_bar_counts_photos_as_they_are_done_or_fail_in_any_order(
    tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name)
    (tmp_path / "in/b.png").write_bytes(b"no photo")
    told: list[list[str]] = []

    @contextmanager
    def bar(console: Console, total: int, doing: Callable[[], str], terminal: object) -> Iterator[Advance]:
        assert (total, doing()) == (3, "Dehazing")
        yield Advance(lambda: told.append(files_in(tmp_path / "out")), lambda film, done, of: None)

    monkeypatch.setattr("cliphaze_cli.batch.pool.Pool", LastFirst)
    monkeypatch.setattr("cliphaze_cli.cli.run_batch.progress_bar", bar)
    assert dehaze("in", "out").code == 1
    assert told == [["c.png"], ["c.png"], ["a.png", "c.png"]]
