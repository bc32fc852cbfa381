"""Photos at the desk: one after the other, in a process that a bad one cannot take the server with."""

import sys
import time
from pathlib import Path

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.web.desk import Desk
from tests.batch import faulty
from tests.imaging.samples import photo, smooth

PATIENCE = 60.0  # seconds after which a test that would hang fails instead
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


def job(folder: Path, name: str) -> Job:
    files.write(photo(smooth()), folder / f"{name}.png")
    return Job(folder / f"{name}.png", folder / f"{name}-out.png")


@posix
def test_crashes_cost_one_photo_closed_pages_none_and_the_end_ends_at_once(tmp_path: Path) -> None:
    options = WorkOptions(faulty.load, Settings(), "cpu", Limits(), overwrite=True)
    with Desk(options) as desk:
        crash, unwanted, fine = (desk.hand_in(job(tmp_path, name)) for name in ("crash", "unwanted", "fine"))
        assert unwanted.cancel()
        assert "its process crashed" in (crash.result(PATIENCE).reason or "")
        assert fine.result(PATIENCE).status == "done"
        assert not (tmp_path / "unwanted-out.png").exists()

        hanging, waiting = desk.hand_in(job(tmp_path, "hang")), desk.hand_in(job(tmp_path, "late"))
        deadline = time.monotonic() + PATIENCE
        while not hanging.running() and time.monotonic() < deadline:
            time.sleep(0.01)
        leaving = time.monotonic()
    assert time.monotonic() - leaving < PATIENCE / 2
    assert hanging.result(0).reason == waiting.result(0).reason == "the server ends"
