"""Batches in worker processes: as in one, and what becomes of them when a worker dies."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cliphaze_cli.batch import worker_processes
from cliphaze_cli.batch.assignment import Assignment
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.report import FileResult
from cliphaze_cli.batch.worker_processes import WorkerProcesses
from cliphaze_cli.errors import CliphazeError, WeightsError
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import Settings

# Instead of what dehazes: what becomes of a photo is in its name.
STAND_IN = """
import os, signal, time
from pathlib import Path
from cliphaze_cli.batch import worker
from cliphaze_cli.batch.report import BatchReport, FileResult
from cliphaze_cli.errors import WeightsError

class StandIn:
    def __init__(self, assignment, *, jobs, notice):
        self.used = {"model": assignment.settings.model}
        notice(f"using {assignment.settings.model}")

    def __enter__(self):
        if self.used["model"] == "none":
            raise WeightsError("there are no such weights: choose others")
        if self.used["model"] == "broken":
            raise ZeroDivisionError("nobody expects this")
        if self.used["model"] == "deadly" or Path("no more workers").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return self

    def __exit__(self, *_):
        pass

    def run(self, jobs, on_result):
        for job in jobs:
            if job.source.stem.startswith("deadly"):
                os.kill(os.getpid(), signal.SIGKILL)
            if job.source.stem == "last straw":
                Path("no more workers").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if job.source.stem.startswith("bug"):
                raise ZeroDivisionError("nobody expects this")
            if job.source.stem.startswith("slow"):
                time.sleep(0.5)
            job.target.write_text(str(os.getpid()))
            on_result(FileResult(job.source, job.target, "done"))

worker.OneProcess = StandIn
worker.main()
"""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_processes, "_PROGRAM", STAND_IN)


def workers(count: int = 2, model: str = "tiny", notice: Callable[[str], object] = str) -> WorkerProcesses:
    settings = Settings(model=model, no_clip=True)
    return WorkerProcesses(Assignment(settings, "cpu", Limits()), count=count, cores_each=1, notice=notice)


def jobs(folder: Path, *names: str) -> list[Job]:
    return [Job(Path(f"{name}.jpg"), folder / f"{name}.txt") for name in names]


@pytest.mark.usefixtures("stand_in")
def test_every_worker_gets_photos_and_results_are_told_in_order(tmp_path: Path) -> None:
    names = [f"slow{number}" if number % 3 == 0 else str(number) for number in range(12)]
    told: list[str] = []
    notices: list[str] = []
    with workers(notice=notices.append) as work:
        assert work.used == {"model": "tiny"}
        report = work.run(jobs(tmp_path, *names), lambda result: told.append(result.source.stem))
    assert told == names == [result.source.stem for result in report.results]
    assert not report.interrupted
    assert len({(tmp_path / f"{name}.txt").read_text() for name in names}) == 2
    assert notices == ["using tiny"]  # though both said it


@pytest.mark.usefixtures("stand_in")
def test_a_worker_that_dies_costs_one_photo(tmp_path: Path) -> None:
    names = ["deadly0", *map(str, range(6)), "deadly1", "deadly2", "last"]
    with workers() as work:
        report = work.run(jobs(tmp_path, *names), lambda result: None)
    assert [(result.source.stem, result.status) for result in report.results] == [
        (name, "failed" if name.startswith("deadly") else "done") for name in names
    ]
    reason = report.results[0].reason
    assert reason is not None
    assert "SIGKILL" in reason
    assert "give a smaller --jobs" in reason


@pytest.mark.usefixtures("stand_in")
def test_a_bug_in_a_worker_costs_one_photo_and_is_told_with_its_traceback(tmp_path: Path) -> None:
    with workers() as work:
        report = work.run(jobs(tmp_path, "0", "bug", "1", "2"), lambda result: None)
    assert [result.status for result in report.results] == ["done", "failed", "done", "done"]
    failed = report.results[1]
    assert failed.reason is not None and "\n" not in failed.reason
    assert failed.traceback is not None and "nobody expects this" in failed.traceback


@pytest.mark.usefixtures("stand_in")
def test_when_no_worker_is_left_the_other_photos_fail_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with workers(1) as work:
        report = work.run(jobs(tmp_path, "0", "last straw", "1", "2"), lambda result: None)
    assert [result.status for result in report.results] == ["done", "failed", "failed", "failed"]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("none", WeightsError, "there are no such weights: choose others"),
        ("broken", RuntimeError, r"(?s)Traceback.*ZeroDivisionError: nobody expects this"),
        ("deadly", CliphazeError, "cannot start: SIGKILL; try --jobs 1"),
    ],
)
def test_what_keeps_workers_from_starting_is_raised(model: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message), workers(model=model):
        pass


@pytest.mark.usefixtures("stand_in")
def test_a_failing_listener_stops_the_batch_and_is_raised(tmp_path: Path) -> None:
    def listen(result: FileResult) -> None:
        raise KeyError(result.source)

    with workers() as work, pytest.raises(KeyError):
        work.run(jobs(tmp_path, *(f"slow{number}" for number in range(40))), listen)
    assert len(list(tmp_path.iterdir())) < 40


@pytest.mark.usefixtures("stand_in")
def test_no_worker_outlives_the_batch(tmp_path: Path) -> None:
    with workers(3) as work:
        processes = [worker._process for worker in work._workers]
        assert len(processes) == 3
        work.run(jobs(tmp_path, "0"), lambda result: None)
    assert all(process.returncode is not None for process in processes)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_workers_end_when_their_user_is_killed(tmp_path: Path) -> None:
    """The real ones, that load the network."""
    with workers() as work:
        pids = [worker._process.pid for worker in work._workers]
        for worker in work._workers:
            worker.close()  # as the system does for a process that is gone
        deadline = time.monotonic() + 60
        while any(worker._process.poll() is None for worker in work._workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, signal.SIG_DFL)
