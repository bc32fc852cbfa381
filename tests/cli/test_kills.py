"""The real process, interrupted and killed at random moments: nothing half-written, nothing lost, and it goes on."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.batches import PATIENCE, assert_whole, make_photos, wait_for
from tests.cli.dehazing import files_in
from tests.cli.process import start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")

KILLS = 60  # of the long test, half of them while maps are written too


def begin(folder: Path, weights: Path, *options: str) -> "subprocess.Popen[str]":
    return start(
        *("dehaze", "in", "out", "--no-clip", "--json", "--skip-existing", "--weights", weights), *options, cwd=folder
    )


def visible(out: Path) -> set[str]:
    return {name for name in files_in(out) if not name.startswith(".")} if out.exists() else set()


def processes_in(folder: Path) -> list[int]:
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def wait_until_nobody_is_in(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while processes_in(folder):
        assert time.monotonic() < deadline, "a process outlives the killed one"
        time.sleep(0.02)


def strike(folder: Path, weights: Path, number: int, moment: float | None, *options: str) -> bool:
    """Start a run and signal it `moment` seconds after it made something new (None: while it starts); return whether
    it was still running then. Assert that it left whole files only, and told the truth where it could still tell."""
    before = visible(folder / "out")
    process = begin(folder, weights, *options)
    try:
        if moment is None:
            time.sleep(random.uniform(0, 1.5))
        else:
            wait_for(lambda: visible(folder / "out") - before, process)
            time.sleep(moment)
        struck = process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    wait_until_nobody_is_in(folder)  # its worker processes finish what they are writing
    assert_whole(folder / "out", folder / "in", maps="--density" in options, leftovers=number == signal.SIGKILL)
    if number == signal.SIGKILL:
        assert process.returncode in (-signal.SIGKILL, 0)
    elif moment is not None:
        assert process.returncode in (130, 0), err
        assert "Traceback" not in err
        made = {name for name in visible(folder / "out") - before if ".density" not in name}
        document = json.loads(out)
        assert {Path(one["source"]).name for one in document["files"] if one["status"] == "done"} == made
        assert document["interrupted"] == (process.returncode == 130)
    return struck


def finish(folder: Path, weights: Path, names: list[str], *options: str) -> None:
    """Let a run end, and assert that it made exactly what was missing and tidied up."""
    missing = set(names) - visible(folder / "out")
    process = begin(folder, weights, *options)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    files = json.loads(out)["files"]
    assert {Path(one["source"]).name for one in files if one["status"] == "done"} == missing
    assert {Path(one["source"]).name for one in files if one["status"] == "skipped"} == set(names) - missing
    assert assert_whole(folder / "out", folder / "in", maps="--density" in options) == names


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_runs_leave_whole_files_and_the_next_one_finishes(
    tmp_path: Path, doubling_weights: Path, jobs: str
) -> None:
    names = make_photos(tmp_path / "in", 20)
    options = ("--jobs", jobs)
    struck = [strike(tmp_path, doubling_weights, signal.SIGKILL, moment, *options) for moment in (0.0, 0.11)]
    assert any(struck)
    finish(tmp_path, doubling_weights, names, *options)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are found by /proc")
def test_when_all_processes_are_killed_at_once_the_next_run_finishes(tmp_path: Path, doubling_weights: Path) -> None:
    """As a service manager does it; the workers have sessions of their own."""
    names = make_photos(tmp_path / "in", 20)
    process = begin(tmp_path, doubling_weights, "--jobs", "2")
    wait_for(lambda: visible(tmp_path / "out"), process)
    for number in processes_in(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    wait_until_nobody_is_in(tmp_path)
    made = assert_whole(tmp_path / "out", tmp_path / "in", leftovers=True)
    assert process.returncode == -signal.SIGKILL and 0 < len(made) < len(names)
    finish(tmp_path, doubling_weights, names)


@pytest.mark.parametrize("jobs", ["1", "3"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_finishes_what_is_being_written_and_tells_the_rest(
    tmp_path: Path, doubling_weights: Path, number: int, jobs: str
) -> None:
    names = make_photos(tmp_path / "in", 200, size=(300, 300))
    process = begin(tmp_path, doubling_weights, "--jobs", jobs)
    try:
        wait_for(lambda: len(visible(tmp_path / "out")) >= 2, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert [line for line in err.splitlines() if "interrupted" in line]
    assert "Traceback" not in err
    written = assert_whole(tmp_path / "out", tmp_path / "in")
    assert 2 <= len(written) < len(names)
    document = json.loads(out)
    assert document["interrupted"]
    assert [Path(one["source"]).name for one in document["files"] if one["status"] == "done"] == written


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--density",), ("--jobs", "3")], ids=["photos", "maps", "processes"])
def test_very_many_kills_at_random_moments(tmp_path: Path, doubling_weights: Path, options: tuple[str, ...]) -> None:
    """SIGKILL, SIGTERM and SIGINT by turns; every tenth while the process starts, the others while it works."""
    random.seed(4)
    names = make_photos(tmp_path / "in", 40)
    rounds = struck = 0
    while struck < KILLS // 2:
        rounds += 1
        assert rounds < 2 * KILLS, "most runs end before they are struck"
        number = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT)[rounds % 4]
        moment = None if rounds % 10 == 0 else random.uniform(0, 0.6)
        if len(visible(tmp_path / "out") & set(names)) > len(names) / 2:
            for name in random.sample(names, 30):
                (tmp_path / "out" / name).unlink(missing_ok=True)
        struck += strike(tmp_path, doubling_weights, number, moment, *options)
    finish(tmp_path, doubling_weights, names, *options)
