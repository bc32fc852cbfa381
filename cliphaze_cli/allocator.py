"""The allocator of glibc, which by itself maps and faults large blocks anew at every operation."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # from malloc.h
_MOST = 2**31 - 1


def tune_allocator(keep: int = _MOST) -> None:
    """Let large blocks be taken from memory that the process keeps, about `keep` bytes of it, if glibc is at work.

    On a CPU the page faults cost more than the arithmetic otherwise (2 to 4 times the network's time at one megapixel).
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MOST)
        mallopt(_TRIM_THRESHOLD, keep)
