"""The page's server side in this process, with a small random network and no worker process."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.work import work
from cliphaze_cli.batch.worker import Prepared
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.web import jobs

if TYPE_CHECKING:
    from starlette.testclient import TestClient

LIMITS = Limits(max_pixels=100_000)
ADDRESS = "http://127.0.0.1:7860"


def options(weights: Path) -> WorkOptions:
    return WorkOptions(jobs.load, settings(weights), "cpu", LIMITS, overwrite=True)


def settings(weights: Path, **changes: Any) -> Settings:
    """The network sees photos smaller than they are."""
    return Settings(weights=str(weights), resolution="96", **changes)


class DeskHere:
    """Stands for `web.desk.Desk`: works on what is handed in at once."""

    def __init__(self, options: WorkOptions) -> None:
        self._options = options
        self._tool = options.load(options, lambda line: None)
        self.prepared = Prepared(self._tool.used, self._tool.label, ())

    def __enter__(self) -> "DeskHere":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def hand_in(self, job: Job) -> "Future[FileResult]":
        future: Future[FileResult] = Future()
        future.set_running_or_notify_cancel()
        future.set_result(work(job, self._tool, self._options))
        return future


@pytest.fixture(scope="session")
def desk(random_weights: Path) -> DeskHere:
    return DeskHere(options(random_weights))


@pytest.fixture
def client(desk: DeskHere, tmp_path: Path) -> Iterator["TestClient"]:
    """A browser without a page. Uploads lie in tmp_path/uploads."""
    pytest.importorskip("starlette", reason="the extra `web` is not installed")
    pytest.importorskip("httpx")
    from starlette.testclient import TestClient

    from cliphaze_cli.web.application import application

    (tmp_path / "uploads").mkdir()
    app = application(desk, tmp_path / "uploads", LIMITS)  # type: ignore[arg-type]
    with TestClient(app, base_url=ADDRESS) as client:
        yield client
