"""Make requests to end the process arrive as KeyboardInterrupt, so that one path cleans up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Within the block SIGTERM, and SIGHUP where it exists, raise KeyboardInterrupt in the main thread.

    Signals that are ignored (nohup) stay ignored, handlers that somebody else has set stay theirs, and outside the
    main thread nothing changes.
    """
    taken = []
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _interrupt)
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
