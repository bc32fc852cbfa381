"""Jobs by the million: a list of them that does not fill the memory."""

from collections.abc import Collection, Iterable, Iterator

from cliphaze_cli.batch.job import Job
from cliphaze_cli.system.temporary_store import TemporaryStore

_TOGETHER = 1000  # jobs; those that do not make up so many stay in memory


class JobList(Collection[Job]):
    """Can be added to, counted, and gone through as often as one likes."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._store = TemporaryStore()
        self._stored: list[int] = []
        self._newest: list[Job] = []
        self.extend(jobs)

    def extend(self, jobs: Iterable[Job]) -> None:
        """Add some."""
        for job in jobs:
            self._newest.append(job)
            if len(self._newest) == _TOGETHER:
                self._stored.append(self._store.put(self._newest))
                self._newest = []

    def __len__(self) -> int:
        return len(self._stored) * _TOGETHER + len(self._newest)

    def __iter__(self) -> Iterator[Job]:
        for place in self._stored:
            yield from self._store.get(place)
        yield from self._newest

    def __contains__(self, job: object) -> bool:
        return any(each == job for each in self)
