"""What became of a batch's photos so far: counts, failures and notices, and all of it only where that is needed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from cliphaze_cli.batch.job import Job
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.report.results import FileResult, Status
from cliphaze_cli.system.atomic_file import shown


def by_place(result: FileResult) -> tuple[bool, Any]:
    """A key to sort by: paths of this machine first."""
    return isinstance(result.source, Remote), result.source


class Tally:
    """Takes each result once."""

    def __init__(
        self, jobs: Iterable[Job], *, keep: bool, view: Callable[[FileResult], FileResult] = lambda result: result
    ) -> None:
        """jobs: that will be worked on. keep: whether every result is kept, for a document; else memory does not grow
        with those that are done. view: a result as it is told."""
        self._view = view
        self.counts: Counter[Status] = Counter()
        self.failed: list[FileResult] = []
        self.results: list[FileResult] = []
        self._keep = keep
        self._notices: dict[str, tuple[str, int]] = {}  # the first file of each, and how many
        self._out: dict[object, Job] = {}  # handed out, and not heard of yet
        self._in_store = iter(jobs)

    @property
    def jobs(self) -> Iterator[Job]:
        """The photos, for whoever works on them: what is taken from here is waited for."""
        for job in self._in_store:
            self._out[job.source, job.target] = job
            yield job

    @classmethod
    def of(cls, results: Iterable[FileResult]) -> "Tally":
        """Of results that are all there."""
        tally = cls((), keep=True)
        for result in results:
            tally.add(result)
        return tally

    def add(self, result: FileResult) -> None:
        """Note what became of a photo."""
        self._out.pop((result.source, result.target), None)
        result = self._view(result)
        self.counts[result.status] += 1
        if result.status == "failed":
            self.failed.append(result)
        if self._keep:
            self.results.append(result)
        for notice in result.notices:
            first, number = self._notices.get(notice, (shown(result.source), 0))
            self._notices[notice] = first, number + 1

    def not_reached(self) -> Iterator[FileResult]:
        """Note the photos as not reached of which nothing was noted, one after the other."""
        for job in chain(list(self._out.values()), self._in_store):
            result = FileResult(job.source, job.target, "pending", reason="not reached")
            self.add(result)
            yield result

    @property
    def sorted_results(self) -> list[FileResult]:
        """All that are kept, by their files."""
        return sorted(self.results, key=by_place)

    @property
    def notice_lines(self) -> list[str]:
        """Each notice once, with the file it is about, or their number: a folder of scans shares one notice."""
        return [
            f"{first}: {notice}" if number == 1 else f"{number} files, first {first}: {notice}"
            for notice, (first, number) in self._notices.items()
        ]
