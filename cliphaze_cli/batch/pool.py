"""Worker processes, one photo in each at a time: the only place that knows which library has them (pebble).

A photo that crashes, hangs or fills its process costs itself and the start of a process; nothing else is lost.
"""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import chain, islice
from multiprocessing import get_context

import pebble

from cliphaze_cli.batch import time_limit, worker
from cliphaze_cli.batch.endings import DAMAGED, cannot_finish, failure, too_slow
from cliphaze_cli.batch.frame_counts import FrameCounts
from cliphaze_cli.batch.interruption import noted_interruptions
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.leftovers import remove_leftovers_of
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.report.results import BatchReport, FileResult, explain
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.memory_limit import refused_memory

PATIENCE = 5.0  # seconds in which photos that were begun may be finished after an interruption
_POLL = 0.1  # seconds between looks at interruptions
_MOST_STARTS = 3  # of all processes anew, without a photo between them
_OVERDUE = 30.0  # seconds beyond its time limit after which a photo whose process is still silent is taken back

pebble.CONSTS.sleep_unit = 0.02  # seconds between pebble's looks at its processes, which also delay its end
pebble.CONSTS.term_timeout = 1.0  # seconds in which a process that was told to end may do so


class Pool:
    """Works on photos in processes of their own, which entering it as a context manager starts."""

    def __init__(self, options: WorkOptions, shares: Shares) -> None:
        """shares: how many processes, and what each may use of this machine."""
        self._options, self._shares = options, shares
        self._jobs: Iterator[Job] = iter(())
        self._waiting: deque[Job] = deque()  # of them, the next
        self._large: deque[Job] = deque()  # those that wait until they can be worked on alone
        self._begun: dict[Future[FileResult], tuple[Job, bool]] = {}  # and whether it is alone
        self._frames = FrameCounts(shares.processes, get_context("spawn"))
        self._places: dict[Job, int] = {}  # of what was begun, among the frame counts
        self._starts = 0
        self._overdue: set[Job] = set()
        self._interrupted = False
        self._told_to_end = 0

    def __enter__(self) -> "Pool":
        """Start them and wait until one is prepared. Raises CliphazeError where photos cannot be worked on as asked, or
        within this process's limit on memory."""
        try:
            self._start()
            self.prepared: worker.Prepared = self._pool.schedule(worker.describe).result()
        except (OSError, BrokenProcessPool) as error:  # pebble's ProcessExpired is an OSError
            self._stop()
            if (refused := refused_memory()) is not None:
                raise refused from error
            raise CliphazeError(f"cannot start a worker process: {_how_it_ended(error)}; try --jobs 1") from error
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def run(
        self,
        jobs: Iterable[Job],
        on_result: Callable[[FileResult], object],
        on_frames: Callable[[Job, int, int | None], object] = lambda film, done, total: None,
        *,
        keep: bool = True,
    ) -> BatchReport:
        """Work on every photo and call `on_result` with what became of each, as they are done; and `on_frames` with how
        many frames of a film are done, of about how many.

        After an interruption (Ctrl-C, SIGTERM) those that were begun are finished, as far as that takes PATIENCE, and a
        second one ends them; the others have no result. An exception of `on_result` ends the batch, and is raised here.
        jobs: taken as they are needed. keep: whether the report has all results.
        """
        results: list[FileResult] = []
        self._jobs = iter(jobs)
        last_moment = None

        def tell(result: FileResult) -> None:
            if keep:
                results.append(replace(result, picture=None))
            on_result(result)

        with noted_interruptions() as signals:

            def interruptions() -> int:
                return signals() + self._told_to_end

            while self._something_waits() or self._large or self._begun:
                if interruptions():
                    self._interrupted = True
                    self._jobs = iter(())
                    self._waiting.clear()
                    self._large.clear()
                    last_moment = last_moment or time.monotonic() + PATIENCE
                    if interruptions() > 1 or time.monotonic() > last_moment:
                        break
                if self._starts > _MOST_STARTS:
                    lost = [*self._waiting, *self._large, *(job for job, _ in self._begun.values())]
                    for collection in (self._waiting, self._large, self._begun):
                        collection.clear()
                    for job in chain(lost, self._jobs):
                        tell(failure(job, "the processes that work on photos end as they start; try --jobs 1"))
                    break
                self._hand_out()
                for job, _ in self._begun.values():
                    if job.is_film:
                        on_frames(job, *self._frames[self._places[job]])
                for future in wait(self._begun, _POLL, FIRST_COMPLETED).done:
                    if future not in self._begun:  # handed back meanwhile
                        continue
                    result = self._result_of(future)
                    if result is not None:
                        tell(result)
            return BatchReport(tuple(results), interrupted=bool(interruptions()))

    def interrupt(self) -> None:
        """End a run that another thread is in, at once: as a second interruption does."""
        self._told_to_end = 2

    def _hand_out(self) -> None:
        """Give a photo to each process that has none: a slow one then holds up nobody."""
        try:
            while len(self._begun) < self._shares.processes and self._something_waits():
                self._begin(self._waiting[0], alone=False)
                self._waiting.popleft()
            if self._large and not self._begun:
                self._begin(self._large[0], alone=True)
                self._large.popleft()
        except RuntimeError:  # pebble's way to say that its processes ended
            self._start_anew()

    def _something_waits(self) -> bool:
        if not self._waiting:
            self._waiting.extend(islice(self._jobs, 1))
        return bool(self._waiting)

    def _begin(self, job: Job, alone: bool) -> None:
        timeout = self._options.limits.most_seconds + (_OVERDUE if time_limit.ENFORCED else 0)
        busy = {self._places[each] for each, _ in self._begun.values()}
        place = next(place for place in range(self._shares.processes) if place not in busy)
        self._frames.clear(place)
        future = self._pool.schedule(worker.work_here, (job, alone, place), timeout=None if job.is_film else timeout)
        self._places[job] = place
        self._begun[future] = (job, alone)

    def _result_of(self, future: "Future[FileResult]") -> FileResult | None:
        """What became of a photo; None if it has to be worked on again."""
        job, alone = self._begun[future]
        trace = None
        try:
            result = future.result()
        except BrokenProcessPool:
            self._start_anew()
            return None
        except (pebble.ProcessExpired, TimeoutError) as error:
            if self._interrupted:  # whoever ends the command may end its processes too: no fault of the photo
                self._begun.pop(future)
                remove_leftovers_of([job])
                return None
            if isinstance(error, TimeoutError) and time_limit.ENFORCED and job not in self._overdue:
                # The system ends what is too slow long before: either the whole machine slept, or the process is gone.
                self._overdue.add(job)
                del self._begun[future]
                (self._large if alone else self._waiting).appendleft(job)
                return None
            reason = self._why_it_ended(job, error)
        except Exception as error:  # noqa: BLE001 - what keeps one process from working is told for its photo
            reason, trace = explain(error)
        else:
            self._starts = 0
            del self._begun[future]
            if result.status != "pending":
                return result
            self._large.append(job)
            return None
        del self._begun[future]
        remove_leftovers_of([job])
        return failure(job, reason, trace)

    def _why_it_ended(self, job: Job, error: Exception) -> str:
        code = getattr(error, "exitcode", None)
        if isinstance(error, TimeoutError) or code == -getattr(signal, "SIGALRM", 0):
            why = too_slow(self._options.limits)
        elif code == -getattr(signal, "SIGKILL", 0):
            why = (
                "its process was killed, perhaps because memory ran out; make it smaller, close other programs, "
                "or give a smaller --jobs"
            )
        else:
            why = f"its process crashed ({_how_it_ended(error)}): {DAMAGED}"
        return cannot_finish(job, why)

    def _start(self) -> None:
        # Or a process that starts would import what lies in the current folder, which may be one of somebody's photos.
        os.environ["PYTHONSAFEPATH"] = "1"
        self._starts += 1
        self._pool = pebble.ProcessPool(
            self._shares.processes,
            initializer=worker.prepare,
            initargs=(self._options, self._shares.cores_each, self._shares.memory_each, self._frames),
            context=get_context("spawn"),
        )

    def _start_anew(self) -> None:
        """Replace processes that have all ended; what they had been given, but not begun, waits again."""
        for job, alone in self._begun.values():
            (self._large if alone else self._waiting).appendleft(job)
        self._begun.clear()
        self._stop()
        self._start()

    def _stop(self) -> None:
        """End all processes; what killed ones were writing is removed."""
        self._pool.stop()
        self._pool.join()
        remove_leftovers_of(job for job, _ in self._begun.values())
        self._begun.clear()


def _how_it_ended(error: Exception) -> str:
    """A process's exit code or the name of the signal that ended it, for people."""
    code = getattr(error, "exitcode", None)
    if code is None:
        return getattr(error, "strerror", None) or "it ended while it started"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
