"""What a run that has no plan of its whole keeps in mind: every photo that came, and what became of it."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.cli import outcome
from cliphaze_cli.places.remote import Place, on_disk
from cliphaze_cli.report.document import Document, Run
from cliphaze_cli.report.results import FileResult


class Journal:
    """All that became of photos in a watch, with a report that grows."""

    def __init__(self, record: Run) -> None:
        self.record = record
        self._jobs: dict[Place, Job] = {}
        self._skipped: dict[Place, Job] = {}
        self._results: dict[Place, FileResult] = {}
        self._plan = Plan(())

    def looked(self, work: Plan) -> None:
        """Take in what a look found; photos that failed are forgotten where they are gone, or have their output now."""
        self._plan = work
        skipped = {job.source: job for job in work.skipped}
        for source, result in list(self._results.items()):
            if result.status == "failed" and (source in skipped or not os.path.lexists(on_disk(source))):
                del self._results[source], self._jobs[source]
        self._skipped |= {source: job for source, job in skipped.items() if source not in self._jobs}

    def begun(self, jobs: Iterable[Job]) -> None:
        """Note photos that are to be done."""
        self._jobs |= {job.source: job for job in jobs}

    def add(self, result: FileResult) -> None:
        """Note what became of one."""
        self._results[result.source] = result

    @property
    def results(self) -> list[FileResult]:
        """Of every photo so far."""
        plan = replace(self._plan, jobs=tuple(self._jobs.values()), skipped=tuple(self._skipped.values()))
        return outcome.all_results(plan, self._results.values())

    def document(self, _: Sequence[FileResult] = ()) -> Document:
        """The same for the report, of a watch that goes on."""
        return self.record.document(self.results)
