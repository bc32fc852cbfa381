"""How much memory one photo may take: known from its header before it is decoded, and enforced while it is."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cliphaze_cli.system.errors import NeedsMemoryError

# From the header to the written output, the greediest formats measured: JPEG 2000 with 8 bits (16); JPEG XL with
# float32 (39), TIFF with float64 (35), PNG with 16 bits and alpha (34).
_BYTES_PER_PIXEL, _BYTES_PER_DEEP_PIXEL = 16, 40


def check_memory(width: int, height: int, max_bytes: int | None, *, deep: bool = False) -> None:
    """Raise NeedsMemoryError if working on a photo of that size takes more than `max_bytes`; deep: more than 8 bits."""
    needed = width * height * (_BYTES_PER_DEEP_PIXEL if deep else _BYTES_PER_PIXEL)
    if max_bytes is not None and needed > max_bytes:
        raise NeedsMemoryError(f"it needs {needed >> 20} MB and waits until it can be worked on alone")


@contextmanager
def bounded_memory(size: int) -> Iterator[None]:
    """Within the block allocations fail that would add more than `size` bytes to what this process holds.

    Linux only; elsewhere an image's memory is bounded by the limit on its pixels alone.
    """
    before = None
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = held + size
        if all(limit == resource.RLIM_INFINITY or limit > bound for limit in (soft, hard)):
            resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
            before = soft, hard
    try:
        yield
    finally:
        if before is not None:
            resource.setrlimit(resource.RLIMIT_DATA, before)
