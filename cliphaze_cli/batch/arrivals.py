"""Which photos of a watched folder can be worked on now: those that nobody writes any more, each once."""

import math
import os
import time
from collections.abc import Iterable

from cliphaze_cli.batch.job import Job
from cliphaze_cli.places.remote import Place, on_disk
from cliphaze_cli.report.results import FileResult

MOMENT = 2.0  # seconds in which a file that is being written changes
_TIMES_TELL = os.name == "posix"  # elsewhere st_ctime is something else

_State = tuple[int, int]  # size, and time of the last change in nanoseconds


class Arrivals:
    """Remembers what photos were like when they were looked at."""

    def __init__(self) -> None:
        self.unfinished = False  # whether some files were being written at the last look
        self._first = True
        self._seen: dict[Place, tuple[_State, float]] = {}  # of those to do, and since when they are like that
        self._failed: dict[Place, _State] = {}
        self._made: set[Place] = set()

    def made(self, jobs: Iterable[Job]) -> None:
        """Note outputs, which are no photos to work on even if their sources vanish."""
        self._made.update(on_disk(job.target).absolute() for job in jobs)

    def ready(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """Of all jobs that are left those to do now; what is not among them any more is forgotten.

        A file is finished if its size and time stay the same for `MOMENT`; at once if it was moved here, or if it lay
        here before the first look.
        """
        now, found = time.monotonic(), []
        seen: dict[Place, tuple[_State, float]] = {}
        failed: dict[Place, _State] = {}
        for job in jobs:
            try:
                status = on_disk(job.source).stat()
            except OSError:  # vanished, or not readable yet
                continue
            state = (status.st_size, status.st_mtime_ns)
            if self._failed.get(job.source) == state:
                failed[job.source] = state
            elif on_disk(job.source).absolute() not in self._made:
                before, since = self._seen.get(job.source, (state, now))
                since = since if before == state else now
                if self._lay_here(status):
                    since = -math.inf
                seen[job.source] = (state, since)
                if status.st_size and now - since >= MOMENT:
                    found.append(job)
        self._seen, self._failed, self._first = seen, failed, False
        self.unfinished = len(found) < len(seen)
        return tuple(found)

    def note(self, result: FileResult) -> None:
        """Take in what became of a photo: one that failed is left alone until it changes."""
        state, _ = self._seen.pop(result.source)
        if result.status == "failed":
            self._failed[result.source] = state

    def _lay_here(self, status: os.stat_result) -> bool:
        """Whether the file was complete before it came to lie here, or long before the first look."""
        if self._first and time.time() - status.st_mtime >= MOMENT:
            return True
        # Moving a file changes the one time, writing to it both; and both are of the same clock, also on servers.
        return _TIMES_TELL and status.st_ctime - status.st_mtime >= MOMENT
