"""What was asked of a command that works on photos, apart from what decides their look."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cliphaze_cli.batch.options import Load, WorkOptions
from cliphaze_cli.batch.plan import Names, Plan, plan_pairs
from cliphaze_cli.batch.refusals import refuse_report, refuse_sheet
from cliphaze_cli.cli import options
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.first_use import clip_of
from cliphaze_cli.cli.pictures import Pictures, open_pictures
from cliphaze_cli.cli.run_batch import Command, run_batch
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.hub.cache import unreadable
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.places.remote import Place
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.retry import leftover
from cliphaze_cli.report.settings import DensitySettings, Settings

if TYPE_CHECKING:
    from cliphaze_cli.cli.watch import Watched

S = TypeVar("S", Settings, DensitySettings)

_REST = "for photos that it had not reached, give its command again with --skip-existing"


@dataclass(frozen=True)
class Request:
    """The options that all such commands have; may_download: CLIP, where the command cannot do without.
    sheet: of comparisons of all photos; preview: comparisons on the terminal. dry_run: only tell what would be done."""

    command: Command
    load: Load
    console: Console
    device: str
    limits: Limits
    overwrite: bool
    skip_existing: bool
    jobs: int | None
    report: Place | None
    preserve: bool = True
    may_download: bool = False
    sheet: Path | None = None
    preview: bool = False
    dry_run: bool = False
    cluster: ClusterChoice | None = None

    def retry(
        self, report: Place, kind: type[S], given: S, names: Callable[[S], Names], given_names: Collection[str]
    ) -> int:
        """Do what is left of the run of a `report`, by its settings where `given_names` are not given anew."""
        left = leftover(report, self.command.name, kind)
        settings = left.settings.overridden(given, given_names)
        options.check(settings)
        work = plan_pairs(
            left.pairs,
            names(settings),
            overwrite=self.overwrite,
            skip_existing=self.skip_existing,
            made=left.made,
        )
        if left.cut:
            self.console.notice(f"that run was killed: {_REST}")
        if left.folders:
            self.console.notice(f"{left.folders} folders could not be listed then; --retry does not look into them")
        return self.run_batch(work, settings, retried=report, retried_sha256=left.weights_sha256)

    def run_batch(
        self,
        work: Plan,
        settings: Settings | DensitySettings,
        retried: Place | None = None,
        retried_sha256: str | None = None,
        view: Callable[[FileResult], FileResult] = lambda result: result,
    ) -> int:
        """Do what is planned, and return the exit code. retried: the report of the run that this one goes on with.
        view: a result as it is told."""
        self._refuse(work, settings, retried)
        if self.dry_run:
            from cliphaze_cli.cli.dry_run import dry_run

            return dry_run(
                self.command.name, self.command.done, work, settings, self.console, may_download=self.may_download
            )
        pictures = self._pictures()
        work_options = self._options(settings, pictures, needs_clip=bool(work.jobs), retried_sha256=retried_sha256)
        return run_batch(
            self.command,
            work,
            work_options,
            self.console,
            jobs=self.jobs,
            report=self.report,
            pictures=pictures,
            cluster=self.cluster,
            view=view,
        )

    def watch(self, watched: "Watched", settings: Settings | DensitySettings) -> int:
        """Do what is there, and what comes, until somebody ends it, and return the exit code."""
        from cliphaze_cli.cli.watch import watch

        first = watched.look()
        self._refuse(first, settings)
        pictures = self._pictures()
        work_options = self._options(settings, pictures, needs_clip=True)
        return watch(
            self.command,
            watched,
            first,
            work_options,
            self.console,
            jobs=self.jobs,
            report=self.report,
            pictures=pictures,
        )

    def _refuse(self, work: Plan, settings: Settings | DensitySettings, retried: Place | None = None) -> None:
        """Raise UsageError if the report or the sheet would replace a file of the work."""
        if self.report is not None:
            read: list[Place] = [path for path in (retried, settings.weights and Path(settings.weights)) if path]
            refuse_report(self.report, [*work.files, *read], overwrite=self.overwrite)
        if self.sheet is not None:
            others = [*work.files, *([self.report] if self.report else [])]
            refuse_sheet(self.sheet, len(work.jobs), others, overwrite=self.overwrite)

    def _options(
        self,
        settings: Settings | DensitySettings,
        pictures: Pictures,
        *,
        needs_clip: bool,
        retried_sha256: str | None = None,
    ) -> WorkOptions:
        if self.console.verbosity > 0 and (why := unreadable()) is not None:
            self.console.detail(why)
        return WorkOptions(
            self.load,
            settings,
            self.device,
            self.limits,
            overwrite=self.overwrite,
            skip_existing=self.skip_existing,
            preserve=self.preserve,
            retried_sha256=retried_sha256,
            clip_file=clip_of(settings, self.console, may_download=self.may_download) if needs_clip else None,
            pictures=pictures.wanted,
        )

    def _pictures(self) -> Pictures:
        return open_pictures(self.console, preview=self.preview, sheet=self.sheet, overwrite=self.overwrite)
