"""Do what `cliphaze dehaze` has planned, and tell people, programs and the report what came of it."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from cliphaze_cli.batch.assignment import Assignment
from cliphaze_cli.batch.crew import processes_for
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.one_process import OneProcess
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.report import BatchReport, FileResult
from cliphaze_cli.batch.worker_processes import WorkerProcesses
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.errors import CliphazeError
from cliphaze_cli.loading import nothing_used
from cliphaze_cli.machine import computes_on_cpu, memory_bytes, usable_cores
from cliphaze_cli.report.document import Document, Run
from cliphaze_cli.report.storage import LiveReport, save


def carry_out(work: Plan, assignment: Assignment, console: Console, *, jobs: int | None, report: Path | None) -> int:
    """Dehaze what `work` says and return the exit code; raises CliphazeError if it cannot be started.

    jobs: photos at a time, None for as many as are good. report: where to write one; it lies there from before the
    first photo on.
    """
    record = Run("dehaze", assignment.settings.record, nothing_used(assignment.settings.model))
    batch = BatchReport(())
    if work.jobs:
        with _workforce(len(work.jobs), assignment, jobs, console) as workforce:
            record = record.using(used := workforce.used)
            console.detail(f"{used['model']} on {used['device']}, {used['precision']}, long side {used['resolution']}")
            _make_folders(work, report)
            batch = _run(work, workforce, record, console, report=report, replace=assignment.overwrite)
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


def _workforce(
    photos: int, assignment: Assignment, jobs: int | None, console: Console
) -> AbstractContextManager[OneProcess | WorkerProcesses]:
    if computes_on_cpu(assignment.device):
        cores = usable_cores()
        count = processes_for(photos, cores=cores, memory=memory_bytes(), jobs=jobs)
        if count > 1:
            return WorkerProcesses(assignment, count=count, cores_each=max(1, cores // count), notice=console.notice)
    return OneProcess(assignment, jobs=jobs, notice=console.notice)


def _run(
    work: Plan,
    workforce: OneProcess | WorkerProcesses,
    record: Run,
    console: Console,
    *,
    report: Path | None,
    replace: bool,
) -> BatchReport:
    def so_far(results: Iterable[FileResult]) -> Document:
        return record.document(outcome.all_results(work, results))

    live = None if report is None else LiveReport(report, so_far, replace=replace)
    with progress_bar(console, len(work.jobs)) as advance:

        def finished(result: FileResult) -> None:
            console.detail(outcome.file_line(result))
            advance()
            if live is not None:
                live.add(result)

        return workforce.run(work.jobs, finished)
