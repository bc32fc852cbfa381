"""The life of one film: its result, its limits, and how far it is."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")

from cliphaze_cli.batch import dehazing, time_limit
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.pool import Pool
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.batch.work import work
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.places.remote import on_disk
from cliphaze_cli.report.settings import Settings
from tests.video.films import make


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(make(tmp_path / "a.mp4", frames=5), tmp_path / "b.mp4")


def options(weights: Path, **given: Any) -> WorkOptions:
    settings = Settings(weights=str(weights), preset="ultrafast", crf=30)
    return WorkOptions(dehazing.load, settings, "cpu", given.pop("limits", Limits()), **given)


def test_a_film_has_its_time_for_each_frame_and_tells_how_far_it_is(
    job: Job, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(time_limit, "begin_anew", lambda limits, pixels: told.append(pixels))
    monkeypatch.setattr(time_limit, "lift", lambda: told.append("end"))
    given = options(random_weights)
    tool = given.load(given, print)
    result = work(job, tool, given, on_frame=lambda done, total: told.append((done, total)))
    assert result.status == "done" and result.size == (96, 64) and result.details["frames"] == 5
    assert told == [each for done in range(1, 6) for each in (96 * 64, (done, 5))] + ["end"]

    before = on_disk(job.target).read_bytes()
    assert work(job, tool, options(random_weights, skip_existing=True)).status == "skipped"
    assert work(job, tool, options(random_weights)).status == "failed"
    assert work(job, tool, options(random_weights), memory=1000).status == "pending"
    assert on_disk(job.target).read_bytes() == before


@pytest.mark.video
def test_in_a_process_of_its_own(job: Job, random_weights: Path) -> None:
    told: list[tuple[Job, int, int | None]] = []
    with Pool(options(random_weights), Shares(1, 1, None)) as pool:
        batch = pool.run([job], lambda result: None, lambda *frames: told.append(frames))
    assert [result.status for result in batch.results] == ["done"] and on_disk(job.target).exists()
    assert {each[0] for each in told} <= {job} and all(done <= 5 for _, done, _ in told)
