"""Where requests hand in photos: one after the other they are worked on, in a worker process.

One at a time, with all cores, as `cliphaze dehaze` works on a single photo: so its output is the same to the bit.
"""

import queue
import threading
from concurrent.futures import Future

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.pool import Pool
from cliphaze_cli.batch.shares import share_out
from cliphaze_cli.batch.worker import Prepared
from cliphaze_cli.report.results import FileResult, explain

Handed = tuple[Job, "Future[FileResult]"]


class Desk:
    """Works on what is handed in while it is entered as a context manager."""

    prepared: Prepared

    def __init__(self, options: WorkOptions) -> None:
        self._pool = Pool(options, share_out(1, options.device))
        self._handed: queue.SimpleQueue[Handed | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)

    def __enter__(self) -> "Desk":
        """Load what works on photos. Raises CliphazeError where it cannot be used as asked."""
        self._pool.__enter__()
        self.prepared = self._pool.prepared
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End at once; what is being worked on is given up."""
        self.end()
        self._handed.put(None)
        self._thread.join()
        self._pool.__exit__()

    def end(self) -> None:
        """Give up what is being worked on, and whatever is handed in from now on: each is told that the server ends."""
        self._pool.interrupt()

    def hand_in(self, job: Job) -> "Future[FileResult]":
        """Have a photo worked on. Whoever cancels what is returned before its turn gets it left out."""
        future: Future[FileResult] = Future()
        self._handed.put((job, future))
        return future

    def _work(self) -> None:
        while (handed := self._handed.get()) is not None:
            job, future = handed
            if not future.set_running_or_notify_cancel():
                continue
            try:
                results = self._pool.run([job], lambda result: None).results
                future.set_result(results[0] if results else _failed(job, "the server ends"))
            except Exception as error:  # noqa: BLE001 - told on the page of the photo that met it
                future.set_result(_failed(job, *explain(error)))


def _failed(job: Job, reason: str, trace: str | None = None) -> FileResult:
    return FileResult(job.source, job.target, "failed", reason=reason, traceback=trace)
