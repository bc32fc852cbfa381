"""Threads stay as urgent as they were, whatever a library asks for."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def no_more_urgent() -> Iterator[None]:
    """After the block all threads of this process are scheduled as its own thread was before it.

    SVT-AV1 makes its threads, and whoever starts it, real-time threads where it may (as root), which keep all others
    from their cores: a machine can hang. Linux only; elsewhere nothing is done.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for thread in Path("/proc/self/task").iterdir():
                with contextlib.suppress(OSError):  # it has ended
                    if os.sched_getscheduler(int(thread.name)) != policy:
                        os.sched_setscheduler(int(thread.name), policy, parameter)
