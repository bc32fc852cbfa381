"""Pipes that carry photos."""

import contextlib


def enlarge_pipe(descriptor: int) -> None:
    """Let a pipe carry a megabyte at a time instead of 64 KB, where that can be asked for (Linux)."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 1 << 20)
