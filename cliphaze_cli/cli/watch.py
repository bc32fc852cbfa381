"""`cliphaze dehaze --watch`: do what is there, and then what comes, until somebody ends it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.batch.arrivals import Arrivals
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.interruption import noted_interruptions
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.loading import nothing_used
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.shares import share_out
from cliphaze_cli.batch.watching import changes
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.journal import Journal
from cliphaze_cli.cli.pictures import Pictures
from cliphaze_cli.cli.progress import progress_bar
from cliphaze_cli.cli.run_batch import Command
from cliphaze_cli.cli.tally import Tally
from cliphaze_cli.imaging.other_kinds import listed
from cliphaze_cli.places.remote import Place, on_disk
from cliphaze_cli.report.document import Run
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.storage import LiveReport
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import CliphazeError, UsageError

_MANY = 1000  # photos, for which the machine is shared out
_AT_LEAST_EVERY = 60.0  # seconds between looks, where no change was told of
_SHARE_OF_LOOKING = 0.2  # of the time, at most, where folders are so full that a look takes long


@dataclass(frozen=True)
class Watched:
    """folders: where photos come. output: where they go. look: plans what is left there; raises UsageError."""

    folders: Sequence[Path]
    output: Path
    recursive: bool
    look: Callable[[], Plan]


class _Watch:
    """The state of a watch between its looks."""

    def __init__(self, console: Console, journal: Journal, pictures: Pictures, live: LiveReport | None) -> None:
        self._console, self._journal, self._pictures, self._live = console, journal, pictures, live
        self._arrivals = Arrivals()
        self._told: set[str] = set()
        self._trouble = ""
        self._due = self._latest = 0.0

    def is_due(self, changed: bool) -> bool:
        """Whether it is time to look again."""
        now = time.monotonic()
        if changed or self._arrivals.unfinished or self._trouble:
            self._latest = min(self._latest, self._due)
        return now >= self._latest

    def ready(self, watched: Watched) -> tuple[Job, ...]:
        """Look, and return what is to be done now. What stands in the way of all work is told once, and waited for."""
        started = time.monotonic()
        try:
            work = watched.look()
            if work.jobs and not watched.output.is_dir():  # a drive that was unplugged: no new folder takes its place
                raise UsageError(f"the output folder {shown(watched.output)} is gone: bring it back, or end the watch")
            jobs = self._arrivals.ready(work.jobs)
            make_folders({on_disk(job.target).parent for job in jobs})
        except UsageError as error:
            if str(error) != self._trouble:
                self._console.error(str(error))
            self._trouble, jobs = str(error), ()
        else:
            self._trouble = ""
            self._arrivals.made(work.skipped)
            self._journal.looked(work)
            self._journal.begun(jobs)
            for result in self._journal.results:
                if result.status == "failed":
                    self._tell_once(outcome.failure_line(result), self._console.error)
        ended = time.monotonic()
        self._due = ended + (ended - started) / _SHARE_OF_LOOKING
        self._latest = max(self._due, ended + _AT_LEAST_EVERY)
        return jobs

    def finished(self, result: FileResult) -> None:
        """Tell of a photo, and note it."""
        result = self._pictures.take(self._told_of(result))
        self._arrivals.note(result)
        self._journal.add(result)
        if self._live is not None:
            self._live.add(result)

    def did(self, jobs: Sequence[Job]) -> None:
        """Note that these are over, also in the report."""
        self._arrivals.made(jobs)
        if self._live is not None:
            try:
                self._live.save()
            except CliphazeError as error:  # a disk that is full for now does not end the watch
                self._tell_once(str(error), self._console.error)

    def _told_of(self, result: FileResult) -> FileResult:
        if result.status == "failed":
            self._told.add(outcome.failure_line(result))
            outcome.tell_failure(self._console, result)
        elif result.status == "done":
            self._console.info(outcome.file_line(result))
        for notice in result.notices:
            self._tell_once(notice, lambda text: self._console.notice(f"{shown(result.source)}: {text}"))
        return result

    def _tell_once(self, line: str, tell: Callable[[str], object]) -> None:
        if line not in self._told:
            self._told.add(line)
            tell(line)


def watch(
    command: Command,
    watched: Watched,
    first: Plan,
    options: WorkOptions,
    console: Console,
    *,
    jobs: int | None,
    report: Place | None,
    pictures: Pictures,
) -> int:
    """Work on what `first` and later looks plan, until an interruption, and return the exit code.

    That ends a watch as it should; only photos that it cut make the code 130. Other arguments as in `run_batch`.
    """
    from cliphaze_cli.batch.pool import Pool

    if first.left_out:
        console.notice(f"{sum(first.left_out.values())} files left out for their kind: {listed(first.left_out)}")
    journal = Journal(Run(command.name, options.settings.record, nothing_used(options.settings.model), first.left_out))
    native_size = getattr(options.settings, "resolution", None) == "full"
    cut = False
    with Pool(options, share_out(_MANY, options.device, jobs, native_size=native_size)) as pool:
        for notice in pool.prepared.notices:
            console.notice(notice)
        journal.record = journal.record.using(pool.prepared.used)
        console.detail(pool.prepared.label)
        first.make_folders()
        make_folders([watched.output, *([report.parent] if isinstance(report, Path) else [])])
        live = None if report is None else LiveReport(report, journal.document)
        state = _Watch(console, journal, pictures, live)
        with noted_interruptions() as ended:
            console.info(f"watching {', '.join(map(shown, watched.folders))} for photos; Ctrl-C ends it")
            for changed in changes(watched.folders, recursive=watched.recursive, ended=ended, notice=console.notice):
                if not state.is_due(changed):
                    continue
                ready = state.ready(watched)
                if ready:
                    several = console if len(ready) > 1 else Console(verbosity=-1)
                    with progress_bar(several, len(ready), lambda: command.doing, pictures.terminal) as advance:

                        def finished(result: FileResult, advance: Callable[[], None] = advance) -> None:
                            state.finished(result)
                            advance()

                        batch = pool.run(ready, finished)
                    state.did(ready)
                    if batch.interrupted:
                        cut = len(batch.results) < len(ready)
                        break
    return _end(command, console, journal, live, cut=cut)


def _end(command: Command, console: Console, journal: Journal, live: LiveReport | None, *, cut: bool) -> int:
    tally = Tally.of(journal.results)
    code = outcome.exit_code(tally, cut)
    if cut:
        pending = tally.counts["pending"]
        left = "1 photo" if pending == 1 else f"{pending} photos"
        console.error(f"interrupted with {left} left; --watch or --skip-existing will continue from there")
    console.info(outcome.summary(tally, command.done, journal.record.seconds))
    document = journal.record.document(tally.results, interrupted=cut, exit_status=code)
    if live is not None:
        try:
            live.save(document)
        except CliphazeError as error:
            console.error(str(error))
            code = document["exit_status"] = code or CliphazeError.exit_code
    console.result(document)
    return code
