"""Do what a command has planned, and tell people, programs and the report what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.loading import nothing_used
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.shares import share_out
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.imaging.other_kinds import listed
from cliphaze_cli.report.document import Document, Run
from cliphaze_cli.report.results import BatchReport, FileResult
from cliphaze_cli.report.storage import LiveReport, save
from cliphaze_cli.system.errors import CliphazeError


@dataclass(frozen=True)
class Command:
    """What differs between commands when their work is told: its name, the words for what it does, and the line for
    each photo that is done, from its result and what made it."""

    name: str
    doing: str
    done: str
    tell_done: Callable[[Console, FileResult, str], None]


def run_batch(
    command: Command, work: Plan, options: WorkOptions, console: Console, *, jobs: int | None, report: Path | None
) -> int:
    """Do what `work` says and return the exit code; raises CliphazeError if it cannot be started.

    jobs: photos at a time, None for as many as are good. report: where to write one; it lies there from before the
    first photo on.
    """
    if work.left_out:
        console.notice(f"{sum(work.left_out.values())} files left out for their kind: {listed(work.left_out)}")
    if work.ignored:
        console.detail(f"{work.ignored} files ignored: their names are not those of photos")
    record = Run(command.name, options.settings.record, nothing_used(options.settings.model), work.left_out)
    batch = BatchReport(())
    untold: list[str] = []
    if work.jobs:
        from cliphaze_cli.batch.pool import Pool

        native_size = getattr(options.settings, "resolution", None) == "full"
        shares = share_out(len(work.jobs), options.device, jobs, native_size=native_size)
        with Pool(options, shares) as pool:
            for notice in pool.prepared.notices:
                console.notice(notice)
            record = record.using(pool.prepared.used)
            console.detail(pool.prepared.label)
            _make_folders(work, report)

            def so_far(results: Iterable[FileResult]) -> Document:
                return record.document(outcome.all_results(work, results))

            live = None if report is None else LiveReport(report, so_far, replace=options.overwrite)
            with progress_bar(console, len(work.jobs), command.doing) as advance:

                def finished(result: FileResult) -> None:
                    try:
                        command.tell_done(console, result, pool.prepared.label)
                    except BrokenPipeError:  # the reader had enough; the files are wanted all the same
                        pass
                    except CliphazeError as error:
                        untold.append(str(error))
                    advance()
                    if live is not None:
                        live.add(result)

                batch = pool.run(work.jobs, finished, advance.frames)
    else:
        _make_folders(work, report)

    results = outcome.all_results(work, batch.results)
    code = outcome.exit_code(results, batch.interrupted)
    if untold:
        console.error(untold[0])
        code = code or CliphazeError.exit_code
    outcome.tell(
        console,
        results,
        done_word=command.done,
        planned=len(work.jobs),
        nothing=work.nothing,
        interrupted=batch.interrupted,
        seconds=record.seconds,
    )
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
