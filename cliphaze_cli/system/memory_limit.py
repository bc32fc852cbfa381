"""The limit on a process's address space (`ulimit -v`), below which PyTorch crashes without a word as it is loaded."""

import sys

from cliphaze_cli.system.errors import UsageError

LEAST = 1_200_000_000  # bytes: with a tenth less, photos of a third of a megapixel failed
_SIGNS = ("map segment", "allocate memory", "start new thread", "Insufficient memory", "DefaultCPUAllocator")


def address_space_limit() -> int | None:
    """In bytes; None where there is none, or where the system knows no such limit (all but Linux)."""
    if sys.platform.startswith("linux"):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        return None if soft == resource.RLIM_INFINITY else soft
    return None


def too_little_memory() -> UsageError | None:
    """What to raise where PyTorch cannot work within the limit; None where it may."""
    limit = address_space_limit()
    return None if limit is None or limit >= LEAST else _too_little(limit)


def refused_memory(error: BaseException | None = None) -> UsageError | None:
    """What to raise where a process could not start, as the `error` tells or without one, and there is a limit: it is
    the likely cause. None otherwise."""
    limit = address_space_limit()
    is_sign = error is None or isinstance(error, MemoryError) or any(sign in str(error) for sign in _SIGNS)
    return _too_little(limit) if limit is not None and is_sign else None


def _too_little(limit: int) -> UsageError:
    return UsageError(
        f"too little memory (ulimit -v {limit // 1024}): a process needs at least {LEAST // 1024} of it, and for large "
        "photos, CLIP or CUDA more; raise the limit"
    )
