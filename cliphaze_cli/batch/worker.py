"""A worker process: dehazes the photos that it is given, with cores of its own."""

import _thread
import contextlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Iterator
from queue import SimpleQueue
from typing import BinaryIO

from cliphaze_cli import child_process
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.messages import Done, Ended, Notice, Ready, Refused, Stop, Wanted
from cliphaze_cli.batch.one_process import OneProcess
from cliphaze_cli.errors import CliphazeError
from cliphaze_cli.redaction import without_credentials


def main() -> None:
    """Work for the process at the other end of the standard streams, until it has no more or is gone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    employer = _Employer(os.fdopen(os.dup(0), "rb"), child_process.standard_output_alone())
    try:
        with OneProcess(employer.assignment, jobs=1, notice=lambda text: employer.tell(Notice(text))) as work:
            employer.tell(Ready(work.used))
            work.run(employer.jobs(), lambda result: employer.tell(Done(result)))
    except KeyboardInterrupt:
        pass
    except CliphazeError as error:
        employer.tell(Refused(error))
    except Exception as error:  # noqa: BLE001 - a bug; shown by the process that people look at
        text = without_credentials("".join(traceback.format_exception(error)))
        employer.tell(Refused(RuntimeError(f"in a worker process:\n{text}")))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    employer.tell(Ended())


class _Employer:
    """The process that started this one."""

    def __init__(self, orders: BinaryIO, replies: BinaryIO) -> None:
        self._replies = replies
        self._telling = threading.Lock()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.assignment = pickle.load(orders)
        threading.Thread(target=self._listen, args=(orders,), name="orders", daemon=True).start()

    def jobs(self) -> Iterator[Job]:
        """Yield photos to dehaze, each asked for when it is wanted, until there are no more."""
        while True:
            self.tell(Wanted())
            job = self._jobs.get()
            if job is None:
                return
            yield job

    def tell(self, message: object) -> None:
        """Send a message; if nobody is there any more, this process is being interrupted already."""
        with self._telling, contextlib.suppress(OSError):
            pickle.dump(message, self._replies)
            self._replies.flush()

    def _listen(self, orders: BinaryIO) -> None:
        while True:
            try:
                order = pickle.load(orders)
            except (EOFError, OSError, pickle.UnpicklingError):  # whoever gave them is gone
                order = Stop()
            if isinstance(order, Stop):
                self._jobs.put(None)
                _thread.interrupt_main()
                return
            self._jobs.put(order)
