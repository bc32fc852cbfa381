"""Do what `cliphaze dehaze` has planned, and tell people, programs and the report what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.batch.crew import crew_for
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.report import BatchReport, FileResult
from cliphaze_cli.batch.run import run
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.loading import add_clip, description, load, nothing_used
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.errors import CliphazeError
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.document import Document, Run
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.report.storage import LiveReport, save

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazer
    from cliphaze_cli.imaging.isolated import IsolatedReader


@dataclass(frozen=True)
class Conditions:
    """What a run is bound to, besides the look of its photos.

    jobs: photos at a time, None for as many as are good. report: where to write one; it lies there from before the
    first photo on. retried_sha256: of the weights of the run that is retried.
    """

    device: str
    limits: Limits
    jobs: int | None = None
    overwrite: bool = False
    skip_existing: bool = False
    report: Path | None = None
    retried_sha256: str | None = None


def carry_out(work: Plan, settings: Settings, conditions: Conditions, console: Console) -> int:
    """Dehaze what `work` says and return the exit code; raises CliphazeError if it cannot be started."""
    record = Run("dehaze", settings.record, nothing_used(settings.model))
    batch, report = BatchReport(()), conditions.report
    if work.jobs:
        from cliphaze_cli.imaging.isolated import IsolatedReader

        with IsolatedReader(conditions.limits) as reader:
            dehazer = _loaded(settings, conditions, console)
            record = record.using(description(dehazer))
            _make_folders(work, report)
            batch = _run(work, reader, dehazer, settings, conditions, record, console)
    else:
        _make_folders(work, report)

    results = outcome.all_results(work, batch.results)
    code = outcome.exit_code(results, batch.interrupted)
    outcome.tell(console, results, planned=len(work.jobs), interrupted=batch.interrupted, seconds=record.seconds)
    document = record.document(results, interrupted=batch.interrupted, exit_status=code)
    if report is not None:
        try:
            save(document, report)
        except CliphazeError as error:  # the photos are done all the same, and --json still tells of them
            console.error(str(error))
            code = document["exit_status"] = code or CliphazeError.exit_code
    console.result(document)
    return code


def _make_folders(work: Plan, report: Path | None) -> None:
    work.make_folders()  # also where nothing is to do: for what killed runs left there
    if report is not None:
        make_folders([report.parent])


def _loaded(settings: Settings, conditions: Conditions, console: Console) -> "Dehazer":
    weights = None if settings.weights is None else Path(settings.weights)
    dehazer = load(settings.model, weights, conditions.device, settings.precision, settings.resolution)
    if not settings.no_clip:
        add_clip(dehazer, settings.clip, console)
    if conditions.retried_sha256 not in (None, dehazer.weights_sha256):
        console.notice(f"the weights {dehazer.weights_name} are not those of the run that is retried")
    used = description(dehazer)
    console.detail(f"{used['model']} on {used['device']}, {used['precision']}, long side {used['resolution']}")
    return dehazer


def _run(
    work: Plan,
    reader: "IsolatedReader",
    dehazer: "Dehazer",
    settings: Settings,
    conditions: Conditions,
    record: Run,
    console: Console,
) -> BatchReport:
    from cliphaze_cli.batch.dehazing import dehazing
    from cliphaze_cli.imaging import imagefile
    from cliphaze_cli.runtime import cores_for_each_thread, usable_cores

    def so_far(results: Iterable[FileResult]) -> Document:
        return record.document(outcome.all_results(work, results))

    overwrite, skip_existing = conditions.overwrite, conditions.skip_existing
    crew = crew_for(len(work.jobs), device=dehazer.device.type, cores=usable_cores(), jobs=conditions.jobs)
    live = None if conditions.report is None else LiveReport(conditions.report, so_far, replace=overwrite)

    def on_interrupt() -> None:
        reader.close()
        dehazer.cancel()

    with progress_bar(console, len(work.jobs)) as advance, cores_for_each_thread(crew.cores_each):

        def finished(result: FileResult) -> None:
            console.detail(outcome.file_line(result))
            advance()
            if live is not None:
                live.add(result)

        return run(
            work.jobs,
            dehazing(
                dehazer, strength=settings.strength, maps=settings.density, replace_maps=overwrite or skip_existing
            ),
            read=reader,
            write=partial(imagefile.write, quality=settings.quality, replace=overwrite),
            on_result=finished,
            on_interrupt=on_interrupt,
            skip_existing=skip_existing,
            crew=crew,
        )
