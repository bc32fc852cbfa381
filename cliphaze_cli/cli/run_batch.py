"""Do what a command has planned, and tell people, programs and the report what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.loading import nothing_used
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.shares import share_out
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.cluster_options import for_jobs
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.pictures import Pictures
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.cli.reporting import Reporting
from cliphaze_cli.cli.tally import Tally
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.imaging.other_kinds import listed
from cliphaze_cli.places.remote import Place
from cliphaze_cli.report.document import Run
from cliphaze_cli.report.results import BatchReport, FileResult
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.memory_limit import too_little_memory

if TYPE_CHECKING:
    from cliphaze_cli.batch.pool import Pool
    from cliphaze_cli.cluster.executor import Cluster


@dataclass(frozen=True)
class Command:
    """What differs between commands when their work is told: its name, the words for what it does, and the line for
    each photo that is done, from its result and what made it."""

    name: str
    doing: str
    done: str
    tell_done: Callable[[Console, FileResult, str], None]


class Telling:
    """Tells of photos as they are done; what could not be told, nor shown, is an error at the end."""

    def __init__(
        self, command: Command, console: Console, pictures: Pictures, view: Callable[[FileResult], FileResult]
    ) -> None:
        """view: a result as people are told of it."""
        self._command, self._console, self._pictures, self._view = command, console, pictures, view
        self._untold: list[str] = []

    def finished(self, result: FileResult, label: str) -> FileResult:
        """Tell of a photo, and return its result as it is to be kept; label: of what made it."""
        try:
            self._command.tell_done(self._console, self._view(result), label)
        except BrokenPipeError:  # the reader had enough; the files are wanted all the same
            pass
        except CliphazeError as error:
            self._untold.append(str(error))
        return self._pictures.take(result)

    def end(self, code: int) -> int:
        """Write what is made of all photos, tell what went wrong with telling, and return the exit code."""
        errors = self._untold[:1]
        try:
            self._pictures.finish(self._console)
        except CliphazeError as error:
            errors.append(str(error))
        for line in errors:
            self._console.error(line)
        return code or (CliphazeError.exit_code if errors else 0)


def run_batch(
    command: Command,
    work: Plan,
    options: WorkOptions,
    console: Console,
    *,
    jobs: int | None,
    report: Place | None,
    pictures: Pictures,
    cluster: ClusterChoice | None = None,
    view: Callable[[FileResult], FileResult] = lambda result: result,
) -> int:
    """Do what `work` says and return the exit code; raises CliphazeError if it cannot be started.

    jobs: photos at a time, None for as many as are good. report: where to write one; it lies there from before the
    first photo on. pictures: what becomes of those of before and after. cluster: where to work, if not here. view: a
    result as people and --json are told of it.
    """
    if work.left_out:
        console.notice(f"{sum(work.left_out.values())} files left out for their kind: {listed(work.left_out)}")
    if work.ignored:
        console.detail(f"{work.ignored} files ignored: their names are not those of photos")
    record = Run(command.name, options.settings.record, nothing_used(options.settings.model), work.left_out)
    batch = BatchReport(())
    telling = Telling(command, console, pictures, view)
    reporting = Reporting(report, work, replace=options.overwrite)
    tally = Tally(work.jobs, keep=console.as_json or not reporting.grows, view=view)
    if work.jobs:
        with _executor(work, options, console, jobs, cluster) as pool:
            for notice in pool.prepared.notices:
                console.notice(notice)
            record = record.using(pool.prepared.used)
            console.detail(pool.prepared.label)
            _make_folders(work, report)
            pictures.make_folder()
            reporting.begin(record)
            with progress_bar(console, len(work.jobs), lambda: _doing(command, pool), pictures.terminal) as advance:

                def finished(result: FileResult) -> None:
                    result = telling.finished(result, pool.prepared.label)
                    advance()
                    tally.add(result)
                    reporting.add(result)

                batch = pool.run(tally.jobs, finished, advance.frames, keep=False)
    else:
        _make_folders(work, report)
        reporting.begin(record)

    for result in outcome.before_work(work):
        tally.add(result)
    for result in tally.not_reached():
        reporting.add(result)
    code = telling.end(outcome.exit_code(tally, batch.interrupted, bool(batch.ended)))
    outcome.tell(
        console,
        tally,
        done_word=command.done,
        planned=len(work.jobs),
        nothing=work.nothing,
        batch=batch,
        seconds=record.seconds,
    )
    document = record.document(tally.sorted_results, interrupted=batch.interrupted, exit_status=code)
    try:
        reporting.end(document, tally)
    except CliphazeError as error:  # the photos are done all the same, and --json still tells of them
        console.error(str(error))
        code = document["exit_status"] = code or CliphazeError.exit_code
    console.result(document)
    return code


def _executor(
    work: Plan, options: WorkOptions, console: Console, jobs: int | None, cluster: ClusterChoice | None
) -> "Pool | Cluster":
    if cluster is not None:
        from cliphaze_cli.cluster.executor import Cluster

        return Cluster(options, for_jobs(cluster, work.jobs), console.notice)
    from cliphaze_cli.batch.pool import Pool

    if (refused := too_little_memory()) is not None:
        raise refused
    native_size = getattr(options.settings, "resolution", None) == "full"
    return Pool(options, share_out(len(work.jobs), options.device, jobs, native_size=native_size))


def _doing(command: Command, executor: "Pool | Cluster") -> str:
    machines = getattr(executor, "machines", None)
    return command.doing if machines is None else f"{command.doing} on {machines} machine{'s' * (machines != 1)}"


def _make_folders(work: Plan, report: Place | None) -> None:
    work.make_folders()  # also where nothing is to do: for what killed runs left there
    if isinstance(report, Path):
        make_folders([report.parent])
