"""Threads that can be waited for while Ctrl-C may come."""

import threading
from collections.abc import Callable, Iterable

from cliphaze_cli.batch.budget import POLL_SECONDS


class WatchedThread(threading.Thread):
    """A thread that tells its end itself: after a KeyboardInterrupt in join(), Python 3.10 and 3.11 take a thread that
    goes on for one that has ended (`Thread._wait_for_tstate_lock`)."""

    def __init__(self, work: Callable[[], object], name: str) -> None:
        super().__init__(name=name)
        self._work = work
        self.ended = threading.Event()

    def run(self) -> None:
        """Do the work."""
        try:
            self._work()
        finally:
            self.ended.set()


def wait_for(threads: Iterable[WatchedThread]) -> None:
    """Wait until all have ended, in short waits: on Windows a long one cannot be interrupted."""
    for thread in threads:
        while not thread.ended.wait(POLL_SECONDS):
            pass
