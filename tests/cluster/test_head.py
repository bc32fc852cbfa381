"""The head of a cluster dies: the command says so, and what was done is whole."""

import json
from pathlib import Path

import pytest

from tests.cli import process
from tests.cli.batches import PATIENCE, make_photos, wait_for
from tests.cli.dehazing import files_in, shown_in
from tests.cluster.machines import Machines

pytestmark = pytest.mark.cluster

PHOTOS = 60
SOON = "from cliphaze_cli.cluster import worker_group; worker_group._TO_COME_BACK = 4.0;"


def test_a_dead_head_ends_the_run_with_one_line_and_the_rest_is_done_later(
    tmp_path: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photos(tmp_path / "in", PHOTOS, size=(400, 300))
    given = ("dehaze", "in", "out", "--weights", random_weights)
    monkeypatch.setattr(process, "PROGRAM", SOON + process.PROGRAM)
    machines, out = Machines(), tmp_path / "out"
    try:
        run = process.start(*given, "--cluster", machines.address, "--report", "r.jsonl", cwd=tmp_path)
        wait_for(lambda: out.exists() and len(files_in(out)) > 2, run)
        machines.kill_head()
        _, err = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
        machines.close()
    assert run.returncode == 1, err
    assert len(err.splitlines()) == 1 and "the head of the cluster does not answer any more" in err
    done = shown_in(out)
    assert 0 < len(done) < PHOTOS
    counts = json.loads((tmp_path / "r.jsonl").read_text().splitlines()[-1])
    assert counts["pending"] == PHOTOS - counts["done"] and counts["failed"] == 0
    run = process.start(*given, "--skip-existing", "--jobs", "1", cwd=tmp_path)
    assert run.communicate(timeout=PATIENCE) and run.returncode == 0
    assert len(shown_in(out)) == PHOTOS
