"""Temporary files beside the files they become: hidden, locked while somebody writes them, removed when nobody does.

The lock is the system's (flock): it ends with the process that holds it, however that ends. So what a killed run left
behind can be told from what another run is writing at this moment.
"""

import contextlib
import os
import secrets
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PART_SUFFIX = ".cliphaze-part"
"""Ending of the temporary files."""

_ABANDONED = 86_400.0  # seconds: where locks do not exist, a file that old is nobody's


def create_part(target: Path) -> tuple[Path, int]:
    """Create and lock a temporary file for `target`; return its path and its descriptor. Raises OSError."""
    # Not tempfile.mkstemp: it makes files that only their owner may read, and asking for the umask to correct that
    # is not thread-safe. Names are cut because the ending could make a long one too long.
    # The system takes names of bytes, which may be more than the locale's alphabet has.
    stem = os.fsdecode(os.fsencode(target.name)[:120].decode("utf-8", "ignore").encode())
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    while True:
        part = target.with_name(f".{stem}.{secrets.token_hex(4)}{PART_SUFFIX}")
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(part, flags, 0o666)
            if _locked_in_place(descriptor):
                return part, descriptor
            os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files in `folder` that nobody is writing any more; whatever cannot be removed stays."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(PART_SUFFIX):
                with contextlib.suppress(OSError):
                    _remove_if_abandoned(Path(entry.path))


def _locked_in_place(descriptor: int) -> bool:
    """Lock the file; False if `remove_leftovers` of another run removed it before that."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return os.fstat(descriptor).st_nlink > 0
    return True


def _remove_if_abandoned(part: Path) -> None:
    descriptor = os.open(part, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if _nobody_writes(descriptor):
            part.unlink()
    finally:
        os.close(descriptor)


def _nobody_writes(descriptor: int) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
        else:
            return True
    return time.time() - os.fstat(descriptor).st_mtime > _ABANDONED
