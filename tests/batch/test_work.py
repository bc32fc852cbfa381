"""The life of one photo, with tools that need no network."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cliphaze_cli.batch import dehazing, mapping
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import Maps, Product, WorkOptions
from cliphaze_cli.batch.work import work
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.comparison_paths import comparison_path
from cliphaze_cli.imaging.density_map import density_paths
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.errors import ImageError
from tests.batch.faulty import Unchanged
from tests.imaging.samples import names_in, photo, smooth


class Mapped(Unchanged):
    def __init__(self, write_photo: bool = True) -> None:
        super().__init__()
        self._write_photo = write_photo

    def __call__(self, photo: Photo) -> Product:
        maps = Maps(np.full(photo.pixels.shape[:2], 0.5, np.float32), "haze density (a test)")
        return Product(photo.pixels if self._write_photo else None, maps, {"density_mean": 0.5})


class Failing(Unchanged):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def __call__(self, photo: Photo) -> Product:
        raise self._error


@dataclass(frozen=True)
class LocalJob(Job):
    source: Path
    target: Path
    extras: tuple[Path, ...] = ()


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    files.write(photo(smooth()), tmp_path / "in.png")
    (tmp_path / "out").mkdir()
    return LocalJob(tmp_path / "in.png", tmp_path / "out/a.png", tuple(density_paths(tmp_path / "out/a")))


def do(job: Job, tool: Any, *, memory: int | None = None, **options: Any) -> FileResult:
    limits = options.pop("limits", Limits())
    return work(job, tool, WorkOptions(dehazing.load, Settings(), "cpu", limits, **options), memory=memory)


def test_a_photo_with_its_maps(job: LocalJob) -> None:
    result = do(job, Mapped())
    assert result.status == "done"
    assert sorted(names_in(job.target.parent)) == ["a.density-overlay.png", "a.density.png", "a.png"]
    assert result.size == (smooth().shape[1], smooth().shape[0])
    assert result.target_bytes == job.target.stat().st_size and result.source_bytes == job.source.stat().st_size
    assert (result.extras, result.details) == (job.extras, {"density_mean": 0.5})


def test_maps_alone(job: LocalJob) -> None:
    target, *extras = density_paths(job.target.parent / "a")
    assert do(Job(job.source, target, tuple(extras)), Mapped(write_photo=False)).status == "done"
    assert sorted(names_in(job.target.parent)) == ["a.density-overlay.png", "a.density.png"]


def test_maps_come_before_the_photo_so_that_a_photo_means_complete(
    job: LocalJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise ImageError("no space left")

    monkeypatch.setattr("cliphaze_cli.imaging.density_map.save_density", full)
    result = do(job, Mapped())
    assert (result.status, result.reason) == ("failed", "no space left")
    assert names_in(job.target.parent) == []


def test_a_comparison_comes_before_the_photo_too(job: LocalJob, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = Job(job.source, job.target, (*job.extras, comparison_path(job.target.with_suffix(""))))
    result = do(compared, Mapped())
    assert (result.status, result.extras, result.picture) == ("done", compared.extras, None)
    assert sorted(names_in(job.target.parent)) == [
        "a.compare.jpg",
        "a.density-overlay.png",
        "a.density.png",
        "a.png",
    ]
    job.target.unlink()
    assert do(compared, Mapped()).status == "failed"  # they are there
    assert do(compared, Mapped(), skip_existing=True).status == "done"  # a killed run may have left them
    job.target.unlink()

    def full(*arguments: object, **options: object) -> None:
        raise ImageError("no space left")

    monkeypatch.setattr("cliphaze_cli.imaging.comparison.save_comparison", full)
    assert do(compared, Mapped(), overwrite=True).reason == "no space left"
    assert not job.target.exists()


def test_results_bring_a_small_picture_along_where_it_is_wanted(job: LocalJob) -> None:
    plain = Job(job.source, job.target)
    assert (do(plain, Unchanged(), pictures=True).picture or b"").startswith(b"\xff\xd8")
    assert names_in(job.target.parent) == ["a.png"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImageError("broken.png is cut off:\n copy it again"), "broken.png is cut off: copy it again"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (OSError(28, "No space left on device", "out/1.png"), "No space left on device: out/1.png"),
        (ValueError("surprise"), "ValueError: surprise"),
    ],
)
def test_every_failure_is_one_line_of_its_result(job: LocalJob, error: Exception, reason: str) -> None:
    result = do(job, Failing(error))
    assert result.status == "failed" and reason in (result.reason or "")
    assert (result.traceback is not None) == isinstance(error, ValueError)
    assert result.size and result.seconds > 0  # what is known of it all the same
    assert names_in(job.target.parent) == []


def test_an_output_that_another_run_made_meanwhile_is_skipped_or_told(job: LocalJob) -> None:
    class Overtaken(Unchanged):
        def __call__(self, photo: Photo) -> Product:
            job.target.touch()
            return super().__call__(photo)

    assert do(job, Overtaken(), skip_existing=True).status == "skipped"
    assert do(job, Unchanged(), skip_existing=True).status == "skipped"  # and nothing is read
    result = do(job, Unchanged())
    assert result.status == "failed" and "exists by now" in (result.reason or "")
    assert job.target.read_bytes() == b""
    assert do(job, Unchanged(), overwrite=True).status == "done"


def test_a_photo_that_needs_more_memory_than_it_may_take_is_left_alone(job: LocalJob) -> None:
    result = do(job, Failing(ValueError()), memory=1000)
    assert result.status == "pending" and "alone" in (result.reason or "")
    assert do(job, Unchanged(), memory=1 << 30).status == "done"


def test_a_photo_that_vanished_is_told(job: LocalJob) -> None:
    job.source.unlink()
    result = do(job, Unchanged())
    assert result.status == "failed" and "no such file" in (result.reason or "")


def test_limits_on_pixels_hold(job: LocalJob) -> None:
    assert "--max-megapixels" in (do(job, Unchanged(), limits=Limits(max_pixels=1000)).reason or "")


@pytest.mark.parametrize("load", [dehazing.load, mapping.load])
def test_what_a_process_is_told_can_be_pickled(load: Any) -> None:
    settings = Settings(strength=0.5) if load is dehazing.load else DensitySettings(prompt_hazy=("fog",))
    options = WorkOptions(load, settings, "cpu", Limits())
    assert pickle.loads(pickle.dumps(options)) == options


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("options", [{}, {"skip_existing": True}])
def test_a_link_under_the_name_of_a_map_is_not_followed(job: LocalJob, which: int, options: dict[str, Any]) -> None:
    victim = job.source.with_name("victim")
    job.extras[which].symlink_to(victim)
    result = do(job, Mapped(), **options)
    assert result.status == "failed" and "exists by now" in (result.reason or "")
    assert job.extras[which].is_symlink() and not victim.exists() and not job.target.exists()
    assert do(job, Mapped(), overwrite=True).status == "done"
    assert victim.exists()
