"""Photos that come to lie in a folder: each is taken once, and not before it is whole."""

import os
import time
from pathlib import Path

import pytest

from cliphaze_cli.batch import arrivals
from cliphaze_cli.batch.arrivals import Arrivals
from cliphaze_cli.batch.job import Job
from cliphaze_cli.report.results import FileResult, Status


class Clock:
    """Both clocks, at a time that starts now and goes by itself no further."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def time(self) -> float:
        return self.seconds

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(arrivals, "time", clock)
    return clock


def lies(folder: Path, name: str, content: bytes = b"photo", *, age: float = 0.0, clock: Clock) -> Job:
    """A file as if it had been written, in place, so many seconds ago."""
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (clock.seconds - age,) * 2)
    return Job(path, folder / "out" / name)


@pytest.fixture(autouse=True)
def written_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """`os.utime` makes files look like moved ones: by default they do not count as such here."""
    monkeypatch.setattr(arrivals, "_TIMES_TELL", False)


def result(job: Job, status: Status) -> FileResult:
    return FileResult(job.source, job.target, status)


def test_what_lay_there_before_is_ready_and_what_is_being_written_is_not(tmp_path: Path, clock: Clock) -> None:
    old, new = lies(tmp_path, "old.jpg", age=10, clock=clock), lies(tmp_path, "new.jpg", age=1, clock=clock)
    watch = Arrivals()
    assert watch.ready([old, new]) == (old,) and watch.unfinished
    clock.seconds += arrivals.MOMENT
    assert watch.ready([new]) == (new,) and not watch.unfinished


def test_a_file_is_finished_when_it_no_longer_grows(tmp_path: Path, clock: Clock) -> None:
    watch = Arrivals()
    assert watch.ready([]) == ()
    job = lies(tmp_path, "a.jpg", b"", clock=clock)
    for content in (b"", b"ph", b"phot", b"photo"):
        clock.seconds += 1.5
        job = lies(tmp_path, "a.jpg", content, clock=clock)
        assert watch.ready([job]) == () and watch.unfinished
    clock.seconds += 1.5
    assert watch.ready([job]) == ()
    clock.seconds += 0.5
    assert watch.ready([job]) == (job,)


def test_an_empty_file_is_never_finished(tmp_path: Path, clock: Clock) -> None:
    watch = Arrivals()
    empty = lies(tmp_path, "a.jpg", b"", age=100, clock=clock)
    assert watch.ready([empty]) == ()
    clock.seconds += 100
    assert watch.ready([empty]) == ()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the times do not tell")
def test_a_file_that_was_moved_here_is_ready_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_TIMES_TELL", True)
    watch = Arrivals()
    watch.ready([])
    path = tmp_path / "a.jpg"
    path.write_bytes(b"photo")
    assert watch.ready([Job(path, tmp_path / "out.jpg")]) == ()
    os.utime(path, (time.time() - 10,) * 2)  # as when its writing ended before its moving
    (job,) = watch.ready([Job(path.rename(tmp_path / "b.jpg"), tmp_path / "out.jpg")])
    assert job.source.name == "b.jpg"


def test_a_failure_is_left_alone_until_it_changes_or_comes_back(tmp_path: Path, clock: Clock) -> None:
    watch = Arrivals()
    job = lies(tmp_path, "a.jpg", age=10, clock=clock)
    assert watch.ready([job]) == (job,)
    watch.note(result(job, "failed"))
    clock.seconds += 100
    assert watch.ready([job]) == () and not watch.unfinished
    lies(tmp_path, "a.jpg", b"better", clock=clock)
    assert watch.ready([job]) == ()  # perhaps still being written
    clock.seconds += arrivals.MOMENT
    assert watch.ready([job]) == (job,)
    watch.note(result(job, "failed"))
    assert watch.ready([job]) == ()
    assert watch.ready([]) == ()  # deleted, and so forgotten
    assert watch.ready([job]) == () and watch.unfinished  # it is new
    clock.seconds += arrivals.MOMENT
    assert watch.ready([job]) == (job,)


def test_a_change_while_a_photo_was_worked_on_counts(tmp_path: Path, clock: Clock) -> None:
    watch = Arrivals()
    job = lies(tmp_path, "a.jpg", age=10, clock=clock)
    watch.ready([job])
    lies(tmp_path, "a.jpg", b"more of it", age=0, clock=clock)
    watch.note(result(job, "failed"))  # it was cut off
    assert watch.ready([job]) == () and watch.unfinished


def test_outputs_are_no_photos_even_if_their_sources_vanish(tmp_path: Path, clock: Clock) -> None:
    watch = Arrivals()
    job = Job(tmp_path / "a.jpg", tmp_path / "a_clear.jpg")
    watch.made([job])
    lies(tmp_path, "a_clear.jpg", age=10, clock=clock)
    assert watch.ready([Job(job.target, tmp_path / "a_clear_clear.jpg")]) == ()


def test_links_that_lead_nowhere_are_waited_for(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "none.jpg")
    assert Arrivals().ready([Job(tmp_path / "a.jpg", tmp_path / "b.jpg")]) == ()
