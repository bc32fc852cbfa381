"""Small files that users name: read whole, but never a device that has no end, nor a pipe that nobody fills."""

import os
import stat
from pathlib import Path


class NotSmallFileError(OSError):
    """What was named is no regular file, or larger than such a file can be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


def read_small_file(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises OSError, with `strerror`, for anything else."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise NotSmallFileError("it is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise NotSmallFileError("it is not a regular file")
        content = stream.read(limit + 1) if status.st_size <= limit else b""
    if len(content) > limit or status.st_size > limit:
        raise NotSmallFileError(f"it has more than {limit:,} bytes")
    return content
