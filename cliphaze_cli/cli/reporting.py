"""The report of a run while it goes on, of whichever kind its name says, or none."""

from collections.abc import Iterable

from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.cli import outcome
from cliphaze_cli.cli.tally import Tally
from cliphaze_cli.places.remote import Place, on_disk
from cliphaze_cli.report.document import Document, Run, ending
from cliphaze_cli.report.lines import ENDING, LineReport
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.storage import LiveReport, save


class Reporting:
    """Writes the report of what `work` says."""

    def __init__(self, path: Place | None, work: Plan, *, replace: bool) -> None:
        """path: None for no report. replace: whether one that is there may be replaced."""
        self._path, self._work, self._replace = path, work, replace
        self._live: LiveReport | LineReport | None = None

    @property
    def grows(self) -> bool:
        """Whether it needs no results but the newest."""
        return self._path is None or self._path.suffix.lower() == ENDING

    def begin(self, record: Run) -> None:
        """Write it for the first time. Raises ImageError where that is impossible."""

        def so_far(results: Iterable[FileResult]) -> Document:
            return record.document(outcome.all_results(self._work, results))

        if self._path is not None and self.grows:
            known = outcome.before_work(self._work)
            self._live = LineReport(on_disk(self._path), record.document(()), known, replace=self._replace)
        elif self._path is not None and self._work.jobs:
            self._live = LiveReport(self._path, so_far, replace=self._replace)

    def add(self, result: FileResult) -> None:
        """Note what became of a photo."""
        if self._live is not None:
            self._live.add(result)

    def end(self, document: Document, tally: Tally) -> None:
        """Write it for the last time. Raises CliphazeError where that is impossible."""
        if isinstance(self._live, LineReport):
            self._live.end(ending(document, tally.counts))
        elif self._path is not None:
            save(document, self._path)
