"""Requests to end that are counted instead of breaking in anywhere."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noted_interruptions() -> Iterator[Callable[[], int]]:
    """Within the block SIGINT, SIGTERM and SIGHUP raise nothing; yield what tells how many came.

    Ignored ones (nohup) stay ignored. Outside the main thread nothing changes, as no signal arrives there.
    """
    count = 0
    before = {}

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, note)
    try:
        yield lambda: count
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
