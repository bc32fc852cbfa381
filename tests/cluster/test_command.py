"""The real command on a cluster: the same files as without, also when it is interrupted or killed."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from cliphaze_cli.report.storage import load
from tests.cli.batches import PATIENCE, make_photos, wait_for
from tests.cli.dehazing import files_in, shown_in
from tests.cli.process import start
from tests.cluster.machines import Machines

pytestmark = pytest.mark.cluster

PHOTOS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, random_weights: Path) -> Path:
    """Photos in `in`, and in `expected` what the command makes of them without a cluster."""
    folder = tmp_path_factory.mktemp("photos")
    make_photos(folder / "in", PHOTOS, size=(400, 300))
    process = start("dehaze", "in", "expected", "--jobs", "1", "--weights", random_weights, cwd=folder)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return folder


def begin(folder: Path, cluster: Machines, weights: Path, output: str, *options: str) -> "subprocess.Popen[str]":
    given = ("--weights", weights, "--cluster", cluster.address)
    return start("dehaze", "in", output, *given, *options, cwd=folder)


def assert_whole(folder: Path, output: str) -> list[str]:
    names = shown_in(folder / output)
    for name in names:
        assert (folder / output / name).read_bytes() == (folder / "expected" / name).read_bytes(), name
    return names


def interrupt(process: "subprocess.Popen[str]", out: Path, number: int) -> tuple[str, str]:
    try:
        wait_for(lambda: out.exists() and len(files_in(out)) > 2, process)
        process.send_signal(number)
        return process.communicate(timeout=PATIENCE)
    finally:
        process.kill()


def test_an_interrupted_run_tells_what_it_did_not_reach_and_retry_does_that(
    folder: Path, cluster: Machines, random_weights: Path
) -> None:
    process = begin(folder, cluster, random_weights, "out", "--report", "r.jsonl", "--json")
    out, err = interrupt(process, folder / "out", signal.SIGINT)
    assert process.returncode == 130, err
    assert [line for line in err.splitlines() if "interrupted" in line] and "Traceback" not in err
    document, report = json.loads(out), load(folder / "r.jsonl")
    written = assert_whole(folder, "out")
    assert files_in(folder / "out") == written  # and nothing half-written
    for files in (document["files"], report["files"]):
        assert sorted(Path(one["source"]).name for one in files if one["status"] == "done") == written
        assert sum(one["status"] == "pending" for one in files) == PHOTOS - len(written) > 0
    process = start("dehaze", "--retry", "r.jsonl", "--cluster", cluster.address, cwd=folder)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert len(assert_whole(folder, "out")) == PHOTOS


def test_a_killed_run_leaves_whole_files_and_the_next_one_finishes(
    folder: Path, cluster: Machines, random_weights: Path
) -> None:
    process = begin(folder, cluster, random_weights, "killed")
    interrupt(process, folder / "killed", signal.SIGKILL)
    assert 0 < len(assert_whole(folder, "killed")) < PHOTOS
    process = begin(folder, cluster, random_weights, "killed", "--skip-existing")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert len(assert_whole(folder, "killed")) == PHOTOS
