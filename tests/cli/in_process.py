"""An executor that does not protect itself from what it works on: for tests that are about something else."""

from collections.abc import Callable, Iterable

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.batch.work import work
from cliphaze_cli.batch.worker import Prepared
from cliphaze_cli.report.results import BatchReport, FileResult


class InThisProcess:
    """Stands for `batch.pool.Pool`. interrupted: what a run says of itself at its end."""

    interrupted = False

    def __init__(self, options: WorkOptions, shares: Shares) -> None:
        self._options = options

    def __enter__(self) -> "InThisProcess":
        notices: list[str] = []
        self._tool = self._options.load(self._options, notices.append)
        self.prepared = Prepared(self._tool.used, self._tool.label, tuple(notices))
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def taken(self, jobs: Iterable[Job]) -> Iterable[Job]:
        """Those that are worked on, in their order."""
        return jobs

    def run(
        self,
        jobs: Iterable[Job],
        on_result: Callable[[FileResult], object],
        on_frames: object = None,
        *,
        keep: bool = True,
    ) -> BatchReport:
        results: list[FileResult] = []
        try:
            for job in self.taken(jobs):
                result = work(job, self._tool, self._options)
                results += [result] * keep
                on_result(result)
        except KeyboardInterrupt:
            return BatchReport(tuple(results), interrupted=True)
        return BatchReport(tuple(results), self.interrupted)
