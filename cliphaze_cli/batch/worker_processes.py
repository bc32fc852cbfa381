"""A batch in several processes, each with cores of its own: threads of one process wait for Python's lock too often."""

import contextlib
import pickle
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable
from queue import Empty, Queue
from typing import Any

from cliphaze_cli import child_process
from cliphaze_cli.batch.assignment import Assignment
from cliphaze_cli.batch.budget import POLL_SECONDS
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.messages import Done, Ended, Notice, Ready, Refused, Stop, Wanted
from cliphaze_cli.batch.report import BatchReport, FileResult, InOrder, explain
from cliphaze_cli.batch.threads import WatchedThread, wait_for
from cliphaze_cli.errors import CliphazeError

_PROGRAM = "from cliphaze_cli.batch import worker; worker.main()"
_PATIENCE = 5.0  # seconds for a worker that was told to stop before its work began


class WorkerProcesses:
    """Dehazes photos in worker processes, which entering it as a context manager starts.

    A worker that dies, as when memory runs out, costs the photo that it has worked on longest; the others that it had
    go to other workers, and a new one takes its place.
    """

    def __init__(self, assignment: Assignment, *, count: int, cores_each: int, notice: Callable[[str], object]) -> None:
        """count: how many; cores_each: for each to compute with; notice: called with lines for people."""
        self._assignment, self._count, self._cores_each, self._notice = assignment, count, cores_each, notice
        self._events: Queue[tuple[_Worker, Any]] = Queue()
        self._workers: list[_Worker] = []  # all that have not ended
        self._idle: deque[_Worker] = deque()  # those that wait for a photo
        self._unassigned: deque[tuple[int, Job]] = deque()
        self._used: dict[str, Any] | None = None
        self._results = InOrder(None)
        self._stop = threading.Event()
        self._broken: Exception | None = None

    def __enter__(self) -> "WorkerProcesses":
        """Start the workers and wait until the first is ready. Raises CliphazeError where the network cannot be used
        as asked."""
        try:
            for _ in range(self._count):
                self._workers.append(self._new_worker())
            spokesman = self._workers[0]  # what it says holds for all
            while self._used is None:
                worker, message = self._next_event()
                if worker is spokesman and isinstance(message, Notice):
                    self._notice(message.text)
                elif worker is spokesman and isinstance(message, Ready):
                    self._used = message.used
                else:
                    self._heed(worker, message)
                if spokesman not in self._workers:
                    raise spokesman.refusal or CliphazeError(f"cannot start: {spokesman.end}; try --jobs 1")
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all()

    @property
    def used(self) -> dict[str, Any]:
        """What they dehaze with: see `loading.description`."""
        assert self._used is not None
        return self._used

    def run(self, jobs: Iterable[Job], on_result: Callable[[FileResult], object]) -> BatchReport:
        """Have every photo read, dehazed and written; what is told, and when, is as in `batch.run.run`."""
        self._unassigned.extend(enumerate(jobs))
        self._results = InOrder(on_result)
        managing = WatchedThread(self._manage, "cliphaze-workers")
        managing.start()  # so that no Ctrl-C comes between a result and its being told
        interrupted = False
        while True:
            try:
                if interrupted:
                    self._stop.set()
                wait_for([managing])
                break
            except KeyboardInterrupt:
                interrupted = True
        if self._broken is not None:
            raise self._broken
        return BatchReport(self._results.all(), interrupted)

    def _manage(self) -> None:
        told_to_stop = False
        while self._workers:
            try:
                if self._stop.is_set() and not told_to_stop:
                    told_to_stop = True
                    for worker in self._workers:
                        worker.send(Stop())
                with contextlib.suppress(Empty):
                    self._heed(*self._events.get(timeout=POLL_SECONDS))
                self._hand_out()
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                self._broken = self._broken or error
                self._stop.set()

    def _heed(self, worker: "_Worker", message: object) -> None:
        if worker not in self._workers:
            return
        if isinstance(message, Wanted):
            self._idle.append(worker)
        elif isinstance(message, Done):
            number, _ = worker.assigned.popleft()
            self._results.add(number, message.result)
        elif isinstance(message, Refused):
            worker.refusal = message.error
        elif message is None or isinstance(message, Ended):
            self._workers.remove(worker)
            worker.kill()
            if not self._stop.is_set():
                self._take_back(worker)

    def _hand_out(self) -> None:
        if self._stop.is_set():
            return
        waiting, self._idle = self._idle, deque()
        for worker in waiting:
            if worker not in self._workers:
                continue
            # Photos are read ahead, but not those that another one, which is still starting perhaps, could work on.
            unfinished = len(self._unassigned) + sum(len(each.assigned) for each in self._workers)
            if self._unassigned and len(worker.assigned) < -(-unfinished // len(self._workers)):
                worker.assign(*self._unassigned.popleft())
            elif not unfinished:
                worker.send(None)
            else:  # even if nothing is left: a worker that dies gives its photos back
                self._idle.append(worker)

    def _take_back(self, worker: "_Worker") -> None:
        """Deal with the photos of a worker that ended without having dealt with them."""
        if worker.assigned:
            lost = [worker.assigned.popleft()]
            self._unassigned.extendleft(reversed(worker.assigned))
            self._workers.append(self._new_worker())
        elif not self._workers:  # it was the last, and a new one would end as it did
            lost = list(self._unassigned)
            self._unassigned.clear()
        else:
            return
        for number, job in lost:
            self._results.add(number, worker.failure(job))

    def _new_worker(self) -> "_Worker":
        return _Worker(self._assignment, self._cores_each, self._events)

    def _next_event(self) -> "tuple[_Worker, Any]":
        while True:
            with contextlib.suppress(Empty):
                return self._events.get(timeout=POLL_SECONDS)  # in short waits, for Ctrl-C on Windows

    def _end_all(self) -> None:
        for worker in self._workers:
            worker.close()
        for worker in self._workers:
            worker.wait(_PATIENCE)
            worker.kill()
        self._workers.clear()


class _Worker:
    """One process, and the thread that receives from it."""

    def __init__(self, assignment: Assignment, cores: int, events: "Queue[tuple[_Worker, Any]]") -> None:
        self.assigned: deque[tuple[int, Job]] = deque()  # with their numbers in the batch; it tells of them in order
        self.refusal: Exception | None = None  # why it ends
        try:
            self._process = child_process.start(_PROGRAM, environment={"OMP_NUM_THREADS": str(cores)})
        except OSError as error:
            raise CliphazeError(f"cannot start a worker process: {error.strerror}; try --jobs 1") from error
        self.send(assignment)
        threading.Thread(target=self._receive_all, args=(events,), name="worker replies", daemon=True).start()

    @property
    def end(self) -> str:
        """How it ended, for people."""
        return child_process.how_it_ended(self._process)

    def failure(self, job: Job) -> FileResult:
        """What becomes of a photo that this one, which has ended, did not finish."""
        if self.refusal is not None:
            reason, traceback = explain(self.refusal)
        else:
            reason, traceback = (
                f"the process that worked on it ended ({self.end}), perhaps because memory ran out: close other "
                "programs, or give a smaller --jobs",
                None,
            )
        return FileResult(job.source, job.target, "failed", reason=reason, traceback=traceback)

    def send(self, order: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it is gone, which the receiving thread tells
            pickle.dump(order, self._process.stdin)
            self._process.stdin.flush()

    def assign(self, number: int, job: Job) -> None:
        self.assigned.append((number, job))
        self.send(job)

    def close(self) -> None:
        """Have it end as soon as what it writes is written."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> None:
        """End it now, if it has not ended; for when it writes nothing. One that hangs in the system is left alone."""
        self._process.kill()
        self.wait(1.0)
        self.close()

    def _receive_all(self, events: "Queue[tuple[_Worker, Any]]") -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            try:
                message = pickle.load(stream)
            except Exception:  # noqa: BLE001 - its end, or nonsense: either way nothing more is wanted from it
                message = None
            events.put((self, message))
            if message is None:
                stream.close()
                return
