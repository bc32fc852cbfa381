"""Whatever a photo does to its process, it is told in one line, and the others are done."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cliphaze_cli.batch import pool
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.pool import Pool
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import CliphazeError, WeightsError
from cliphaze_cli.system.part_file import PART_SUFFIX
from tests.batch import faulty
from tests.imaging.samples import names_in, photo, smooth

PATIENCE = 60.0  # seconds after which a test that would hang fails instead

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded on Linux only")


def workers(count: int = 2, *, model: str = "tiny", memory: int | None = None, limits: Limits | None = None) -> Pool:
    options = WorkOptions(faulty.load, Settings(model=model), "cpu", limits or Limits())
    return Pool(options, Shares(count, cores_each=1, memory_each=memory))


def jobs(folder: Path, *names: str) -> list[Job]:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    for name in names:
        files.write(photo(smooth()), folder / "in" / f"{name}.png")
    return [Job(folder / "in" / f"{name}.png", folder / "out" / f"{name}.png") for name in names]


def run(pool: Pool, work: list[Job]) -> dict[str, FileResult]:
    report = pool.run(work, lambda result: None)
    assert not report.interrupted
    results = {result.source.stem: result for result in report.results}
    assert len(results) == len(report.results) == len(work)
    return results


def assert_done(result: FileResult) -> None:
    assert result.status == "done", result.reason
    assert isinstance(result.target, Path)
    np.testing.assert_array_equal(files.read(result.target).pixels, smooth())


@posix
def test_a_photo_that_ends_its_process_costs_itself_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ends = {"crash": "SIGSEGV", "abort": "SIGABRT", "exit": "exit code 7", "killed": "memory"}
    good = [str(number) for number in range(8)]
    with workers() as pool:
        results = run(pool, jobs(tmp_path, *good[:4], *ends, *good[4:], "loud"))
    for name, reason in ends.items():
        assert results[name].status == "failed"
        assert (results[name].reason or "").startswith(f"cannot finish {tmp_path}")
        assert reason in (results[name].reason or "") and "\n" not in (results[name].reason or "")
    for name in (*good, "loud"):
        assert_done(results[name])
    assert capfd.readouterr() == ("", "")  # whatever decoders print
    assert not [name for name in names_in(tmp_path / "out") if name.startswith(".")]


def test_pictures_are_handed_on_and_not_kept(tmp_path: Path) -> None:
    options = WorkOptions(faulty.load, Settings(), "cpu", Limits(), pictures=True)
    handed: list[FileResult] = []
    with Pool(options, Shares(1, cores_each=1, memory_each=None)) as pool:
        report = pool.run(jobs(tmp_path, "a"), handed.append)
    assert handed[0].picture and report.results[0].picture is None  # thousands would fill the memory


@posix
def test_a_photo_that_hangs_is_given_up(tmp_path: Path) -> None:
    started = time.monotonic()
    with workers(1, limits=Limits(seconds=2, seconds_per_megapixel=0)) as pool:
        results = run(pool, jobs(tmp_path, "hang", "good"))
    assert "longer than 2 s" in (results["hang"].reason or "") and "--time-limit" in (results["hang"].reason or "")
    assert_done(results["good"])
    assert time.monotonic() - started < PATIENCE


def test_a_photo_whose_process_leaves_without_a_word_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_OVERDUE", 1.0)
    with workers(1, limits=Limits(seconds=2, seconds_per_megapixel=0)) as processes:
        results = run(processes, jobs(tmp_path, "vanish", "good"))
    assert results["vanish"].status == "failed"
    assert_done(results["good"])


@linux
def test_a_photo_that_takes_too_much_memory_is_refused_it(tmp_path: Path) -> None:
    with workers(1, limits=Limits(max_pixels=10**6)) as pool:
        results = run(pool, jobs(tmp_path, "greedy", "good"))
    assert "not enough memory" in (results["greedy"].reason or "")
    assert_done(results["good"])


def test_a_photo_larger_than_its_share_of_memory_is_worked_on_alone(tmp_path: Path) -> None:
    work = jobs(tmp_path, "large", "slow-1", "slow-2", "small")
    files.write(photo(np.zeros((600, 800, 3), np.uint8)), tmp_path / "in/large.png")
    told: list[str] = []
    with workers(memory=2**20) as pool:
        report = pool.run(work, lambda result: told.append(result.source.stem))
    assert {result.status for result in report.results} == {"done"}
    assert told[-1] == "large" and len(told) == 4


def test_one_slow_photo_holds_up_nobody(tmp_path: Path) -> None:
    names = ["slow", *map(str, range(6))]
    told: list[str] = []
    with workers() as pool:
        pool.run(jobs(tmp_path, "0"), lambda result: None)
        time.sleep(PATIENCE / 20)  # until both are there
        pool.run(jobs(tmp_path, *names), lambda result: told.append(result.source.stem))
    assert set(told) == set(names)
    assert told[0] != "slow"


def test_a_bug_costs_one_photo_and_is_told_with_its_traceback(tmp_path: Path) -> None:
    with workers(1) as pool:
        results = run(pool, jobs(tmp_path, "0", "bug", "1"))
    assert "nobody expects this" in (results["bug"].reason or "") and "\n" not in (results["bug"].reason or "")
    assert_done(results["1"])


@posix
def test_when_no_process_can_be_started_any_more_the_other_photos_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with workers(1) as pool:
        results = run(pool, jobs(tmp_path, "0", "last straw", "1", "2"))
    assert [result.status for result in results.values()] == ["done", "failed", "failed", "failed"]
    assert "end as they start" in (results["2"].reason or "")


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("none", WeightsError, "there are no such weights: choose others"),
        ("broken", RuntimeError, r"(?s)Traceback.*ZeroDivisionError: nobody expects this"),
        pytest.param("deadly", CliphazeError, "cannot start a worker process.*try --jobs 1", marks=posix),
    ],
)
def test_what_keeps_processes_from_starting_is_raised(model: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message), workers(1, model=model):
        pass


def test_what_they_work_with_and_say_is_told_once(tmp_path: Path) -> None:
    with workers() as pool:
        assert pool.prepared.used == {"model": "stand-in", "clip": None}
        assert pool.prepared.notices == ("using a stand-in",)  # though both said it
        assert run(pool, []) == {}


def test_a_failing_listener_stops_the_batch_and_is_raised(tmp_path: Path) -> None:
    def listen(result: FileResult) -> None:
        raise KeyError(result.source)

    work = jobs(tmp_path, *(f"slow-{number}" for number in range(20)))
    with workers() as pool, pytest.raises(KeyError):
        pool.run(work, listen)
    assert len(names_in(tmp_path / "out")) < 20


@posix
@pytest.mark.parametrize("signals", [1, 2])
def test_an_interruption_finishes_what_was_begun_unless_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signals: int
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 2.0)
    work = jobs(tmp_path, "0", "slow" if signals == 1 else "hang", "1", "2")

    def interrupt() -> None:
        deadline = time.monotonic() + PATIENCE
        while not Path(str(work[0].target)).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        for _ in range(signals):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)

    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with workers(1) as processes:
            thread.start()
            report = processes.run(work, lambda result: None)
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.interrupted
    expected = ["0", "slow"] if signals == 1 else ["0"]
    assert [result.source.stem for result in report.results] == expected
    assert names_in(tmp_path / "out") == [f"{name}.png" for name in expected]


@posix
@pytest.mark.parametrize("name", ["hang", "idle"])
def test_processes_end_when_their_user_is_killed(tmp_path: Path, name: str) -> None:
    """Also one that hangs in C: the system's timer ends it."""
    program = "\n".join(
        [
            "import sys",
            "from pathlib import Path",
            "from tests.batch import test_pool",
            "from cliphaze_cli.imaging.limits import Limits",
            "if __name__ == '__main__':",
            "    folder = Path(sys.argv[1])",
            "    with test_pool.workers(1, limits=Limits(seconds=3, seconds_per_megapixel=0)) as pool:",
            "        pool.run(test_pool.jobs(folder, '0'), lambda result: None)",
            "        import multiprocessing",
            "        print(multiprocessing.active_children()[0].pid, flush=True)",
            "        pool.run(test_pool.jobs(folder, 'hang'), print) if 'hang' in sys.argv else input()",
        ]
    )
    user = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        text=True,
    )
    try:
        assert user.stdout is not None
        worker = int(user.stdout.readline())
        time.sleep(1)  # into the decoding
    finally:
        user.kill()
        user.communicate()
    deadline = time.monotonic() + PATIENCE
    while _runs(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # nobody may be there to reap it


def test_nothing_is_imported_from_a_folder_of_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", ".")])
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    work = jobs(tmp_path, "good")
    for name in ("multiprocessing", "numpy", "PIL", "json", "cliphaze_cli"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'owned')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with workers(1) as pool:
        assert_done(run(pool, work)["good"])
    assert not (tmp_path / "owned").exists()


def test_names_of_any_bytes(tmp_path: Path) -> None:
    work = jobs(tmp_path)
    for name in (b"\xff\xfe", b"two\nlines", b"-x", b" "):
        work += jobs(tmp_path, os.fsdecode(name))
    with workers(1) as pool:
        for result in run(pool, work).values():
            assert_done(result)


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    work = jobs(tmp_path, "killed", "good")
    (tmp_path / "out" / f".killed.png.0{PART_SUFFIX}").write_bytes(b"half")
    with workers(1) as pool:
        run(pool, work)
    assert names_in(tmp_path / "out") == ["good.png"]
