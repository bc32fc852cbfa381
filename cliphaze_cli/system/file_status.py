"""A source file's times and permissions, for the file that is made of it."""

import contextlib
import os
import stat
from dataclasses import dataclass


@dataclass(frozen=True)
class FileStatus:
    """accessed, modified: nanoseconds since 1970; permissions: the nine bits of owner, group and others."""

    accessed: int
    modified: int
    permissions: int


def status_of(descriptor: int) -> FileStatus:
    """Of an open file."""
    found = os.fstat(descriptor)
    return FileStatus(found.st_atime_ns, found.st_mtime_ns, stat.S_IMODE(found.st_mode) & 0o777)


def restrict(descriptor: int, source: FileStatus) -> None:
    """Let nobody but the owner do with an open new file what they may not do with its source."""
    if hasattr(os, "fchmod"):
        own = stat.S_IMODE(os.fstat(descriptor).st_mode)
        with contextlib.suppress(OSError):  # a disk without permissions
            os.fchmod(descriptor, own & (source.permissions | 0o600))


def date(descriptor: int, source: FileStatus) -> None:
    """Give an open file its source's times, as far as the system and the disk let it."""
    if os.utime in os.supports_fd:
        with contextlib.suppress(OSError):
            os.utime(descriptor, ns=(source.accessed, source.modified))
