"""The allocator of glibc, which by itself maps and faults large blocks anew at every operation."""

import ctypes
import sys
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # from malloc.h
_MOST = 2**31 - 1


def tune_allocator() -> None:
    """Let large blocks be taken from memory that the process keeps, if glibc is at work.

    On a CPU the page faults cost more than the arithmetic otherwise (2 to 4 times the network's time at one megapixel).
    """
    if (mallopt := _of_glibc("mallopt")) is not None:
        mallopt(_MMAP_THRESHOLD, _MOST)
        mallopt(_TRIM_THRESHOLD, _MOST)


def give_memory_back() -> None:
    """Let the system have what is kept but not in use."""
    if (malloc_trim := _of_glibc("malloc_trim")) is not None:
        malloc_trim(0)


def _of_glibc(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
