"""What the report of a killed run leaves to do: outputs that the run made since are told from older ones."""

import os
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from cliphaze_cli.report import storage
from cliphaze_cli.report.retry import Leftover, leftover
from cliphaze_cli.report.settings import Settings

HOUR = 3600.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo of yesterday, and an output of now."""
    (tmp_path / "a.png").write_bytes(b"photo")
    (tmp_path / "b.png").write_bytes(b"output")
    date(tmp_path / "a.png", time.time() - 24 * HOUR)
    return tmp_path


def date(path: Path, modified: float) -> None:
    os.utime(path, (modified, modified))


def read(folder: Path, begun: float, *, exit_status: int | None = None) -> Leftover[Settings]:
    """What is left by the report of a run that began then and did not reach its only photo."""
    record = {"source": str(folder / "a.png"), "target": str(folder / "b.png"), "status": "pending"}
    started = datetime.fromtimestamp(begun, timezone.utc).isoformat(timespec="seconds")
    document = {"format": 1, "command": "dehaze", "started": started, "exit_status": exit_status, "files": [record]}
    storage.save(document, folder / "r.json")
    return leftover(folder / "r.json", "dehaze", Settings)


@pytest.mark.parametrize("dated", [True, False])
def test_an_output_of_the_killed_run_is_made_by_it_also_if_dated_as_its_source(folder: Path, dated: bool) -> None:
    if dated:
        date(folder / "b.png", (folder / "a.png").stat().st_mtime)
    left = read(folder, time.time() - HOUR)
    assert left.pairs == ((folder / "a.png", folder / "b.png"),)
    assert left.made == {folder / "b.png"}


def test_an_output_older_than_the_runs_start_is_not_made_by_it(folder: Path) -> None:
    assert read(folder, time.time() + HOUR).made == frozenset()


def test_nor_is_one_that_was_only_renamed_or_opened_to_others_since(folder: Path) -> None:
    date(folder / "b.png", time.time() - 2 * HOUR)
    (folder / "b.png").chmod(0o600)
    (folder / "b.png").rename(folder / "c.png")
    (folder / "c.png").rename(folder / "b.png")
    assert read(folder, time.time() - HOUR).made == frozenset()


def test_nor_one_that_is_not_there_or_whose_run_ended(folder: Path) -> None:
    assert read(folder, time.time() - HOUR, exit_status=1).made == frozenset()
    (folder / "b.png").unlink()
    assert read(folder, time.time() - HOUR).made == frozenset()
