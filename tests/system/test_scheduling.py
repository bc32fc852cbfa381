"""What a library does to the urgency of threads is undone."""

import os
import threading
from pathlib import Path

import pytest

from cliphaze_cli.system.scheduling import no_more_urgent


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="scheduling is Linux's")
def test_all_threads_are_scheduled_as_before() -> None:
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        with pytest.raises(RuntimeError), no_more_urgent():
            for thread in Path("/proc/self/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_BATCH, os.sched_param(0))
            raise RuntimeError
        policies = {os.sched_getscheduler(int(thread.name)) for thread in Path("/proc/self/task").iterdir()}
        assert policies == {os.SCHED_OTHER}
    finally:
        ended.set()
        other.join()
