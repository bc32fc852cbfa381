"""A limit on the time that a photo takes, which the system enforces: even code that never returns to Python ends.

The process ends with it, by SIGALRM. Also when whoever started it is gone; and while the machine sleeps, the clock
stands still.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from cliphaze_cli.imaging.limits import Limits

ENFORCED = hasattr(signal, "setitimer")  # not on Windows


@contextmanager
def of(limits: Limits) -> Iterator[None]:
    """Within the block this process has `limits.seconds`."""
    _end_after(limits.seconds)
    try:
        yield
    finally:
        _end_after(0)


def extend(limits: Limits, pixels: int) -> None:
    """Within such a block: grant what the limits allow for a photo's size, as soon as that is known."""
    if ENFORCED and (left := signal.getitimer(signal.ITIMER_REAL)[0]):
        _end_after(left + limits.seconds_per_megapixel * pixels / 1e6)


def begin_anew(limits: Limits, pixels: int) -> None:
    """Within such a block: grant from now on what the limits allow for a picture of that size, as for a film's next
    frame."""
    _end_after(limits.seconds + limits.seconds_per_megapixel * pixels / 1e6)


def lift() -> None:
    """Within such a block: let the rest take as long as it takes."""
    _end_after(0)


def _end_after(seconds: float) -> None:
    if ENFORCED:
        signal.setitimer(signal.ITIMER_REAL, seconds)
