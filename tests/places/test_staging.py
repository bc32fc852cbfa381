"""The life of a photo that lies elsewhere, with tools that need no network."""

import errno
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cliphaze_cli.batch import dehazing
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import Product, WorkOptions
from cliphaze_cli.batch.work import work
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.report.document import Run
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.retry import leftover
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.report.storage import load, save
from cliphaze_cli.system.errors import OutputExistsError, UsageError
from tests.batch.faulty import Unchanged
from tests.batch.test_work import Failing, Mapped
from tests.imaging.samples import names_in, photo, smooth
from tests.places import memory
from tests.places.memory import place


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Job:
    files.write(photo(smooth()), tmp_path / "in.png")
    memory.write("in/a.png", (tmp_path / "in.png").read_bytes())
    maps = [place(f"out/a.{ending}.png") for ending in ("density", "density-overlay")]
    return Job(place("in/a.png"), place("out/a.png"), tuple(maps))


def do(job: Job, tool: Any, *, memory: int | None = None, **options: Any) -> FileResult:
    limits = options.pop("limits", Limits())
    return work(job, tool, WorkOptions(dehazing.load, Settings(), "cpu", limits, **options), memory=memory)


def outputs() -> list[str]:
    return [name for name in memory.names() if name.startswith("out/")]


def test_from_store_to_store(job: Job, temporary: Path) -> None:
    result = do(pickle.loads(pickle.dumps(job)), Mapped())
    assert result.status == "done", result.reason
    assert outputs() == ["out/a.density-overlay.png", "out/a.density.png", "out/a.png"]
    assert (result.source, result.target, result.extras) == (job.source, job.target, job.extras)
    sizes = [memory.memory().size(f"/{name}/a.png") for name in ("in", "out")]
    assert [result.source_bytes, result.target_bytes] == sizes and result.size == smooth().shape[1::-1]
    assert names_in(temporary) == []


def test_from_store_to_folder_and_back(job: Job, tmp_path: Path, temporary: Path) -> None:
    assert do(Job(job.source, tmp_path / "b.png"), Unchanged(), skip_existing=True).status == "done"
    np.testing.assert_array_equal(files.read(tmp_path / "b.png").pixels, smooth())
    assert (tmp_path / "b.png").stat().st_mode & 0o077 == (tmp_path / "in.png").stat().st_mode & 0o077
    result = do(Job(tmp_path / "b.png", place("out/c.webp")), Unchanged())
    assert result.status == "done" and memory.memory().cat("/out/c.webp")[8:12] == b"WEBP"
    assert names_in(temporary) == []


def test_failures_name_the_place_that_people_know(job: Job, temporary: Path) -> None:
    memory.write("in/a.png", b"no photo")
    result = do(job, Unchanged())
    assert (result.status, result.target) == ("failed", job.target)
    assert (result.reason or "").startswith("cannot read memory://in/a.png: not a ")
    memory.memory().rm_file("/in/a.png")
    assert "was it deleted meanwhile?" in (do(job, Unchanged()).reason or "")
    assert outputs() == [] and names_in(temporary) == []


def test_surprises_are_told_as_of_any_photo(job: Job, temporary: Path) -> None:
    result = do(job, Failing(ValueError("surprise")))
    assert (result.status, result.reason) == ("failed", "ValueError: surprise") and result.traceback
    assert outputs() == [] and names_in(temporary) == []


@pytest.mark.parametrize("which", ["a.density-overlay.png", "a.density.png", "a.png"])
def test_an_output_that_cannot_be_put_fails_and_the_photo_comes_last(
    job: Job, temporary: Path, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(memory.memory()).put_file

    def put_file(self: Any, local: str, path: str, **options: Any) -> None:
        if Path(local).name == which:
            raise OSError(errno.EIO, "the line went dead")
        real(self, local, path, **options)

    monkeypatch.setattr(type(memory.memory()), "put_file", put_file)
    result = do(job, Mapped())
    assert result.status == "failed" and "the line went dead" in (result.reason or "")
    assert (result.extras, result.target_bytes) == ((), None)
    assert "out/a.png" not in outputs() and names_in(temporary) == []


def test_an_output_that_another_run_made_meanwhile_is_skipped_or_told(job: Job) -> None:
    class Overtaken(Unchanged):
        def __call__(self, photo: Photo) -> Product:
            memory.write("out/a.png", b"theirs")
            return super().__call__(photo)

    assert do(job, Overtaken(), skip_existing=True).status == "skipped"
    assert do(job, Failing(AssertionError()), skip_existing=True).status == "skipped"  # and nothing is read
    result = do(job, Unchanged())
    assert result.status == "failed" and "exists by now" in (result.reason or "")
    assert memory.memory().cat("/out/a.png") == b"theirs"
    assert do(job, Unchanged(), overwrite=True).status == "done"
    assert memory.memory().cat("/out/a.png") != b"theirs"


def test_maps_of_a_killed_run_are_replaced_as_in_folders(job: Job) -> None:
    memory.write("out/a.density.png", b"old")
    assert do(job, Mapped()).status == "failed"
    assert do(job, Mapped(), skip_existing=True).status == "done"
    assert memory.memory().cat("/out/a.density.png") != b"old"


def test_limits_hold(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--max-megapixels" in (do(job, Unchanged(), limits=Limits(max_pixels=100)).reason or "")
    assert do(job, Failing(ValueError()), memory=1000).status == "pending"
    monkeypatch.setattr(Limits, "decoder_bytes", 10)
    monkeypatch.setattr(type(memory.memory()), "get_file", None)
    assert "no photo of the permitted size" in (do(job, Unchanged()).reason or "")


def test_a_report_goes_there_and_comes_back(job: Job, temporary: Path) -> None:
    results = [
        FileResult(job.source, job.target, "failed", reason="busy"),
        FileResult(Path("b.jpg"), job.target, "done"),
    ]
    document = Run("dehaze", Settings().record, {}).document(results, exit_status=1)
    for ending in ("json", "csv"):
        report = place(f"out/r.{ending}")
        save(document, report, replace=False)
        with pytest.raises(OutputExistsError):
            save(document, report, replace=False)
        save(document, report)
        assert [each["source"] for each in load(report)["files"]] == ["memory://in/a.png", "b.jpg"]
        assert leftover(report, "dehaze", Settings).pairs == ((job.source, job.target),)
    with pytest.raises(UsageError, match="no such object"):
        load(place("none.json"))
    assert names_in(temporary) == []


def test_outputs_of_a_killed_run_are_known_by_their_time(job: Job) -> None:
    pending = FileResult(job.source, job.target, "pending")
    save(Run("dehaze", Settings().record, {}).document([pending]), place("out/r.json"))
    assert leftover(place("out/r.json"), "dehaze", Settings).made == frozenset()
    memory.write("out/a.png")
    assert leftover(place("out/r.json"), "dehaze", Settings).made in (frozenset(), {job.target})
