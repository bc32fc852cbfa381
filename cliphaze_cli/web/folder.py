"""The folder that holds what people upload, as long as the server runs; what a killed one left is removed.

It is locked by the system (flock), as `system/part_file.py` locks files: the lock ends with the process.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PREFIX = "cliphaze-web-"


@contextmanager
def uploads_folder() -> Iterator[Path]:
    """Yield a new folder that nobody else may enter, and remove it with all that lies in it."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    path, lock = _locked_folder()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _locked_folder() -> tuple[Path, int | None]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        if fcntl is None:
            return path, None
        with contextlib.suppress(FileNotFoundError):  # another server took it for abandoned before it was locked
            lock = os.open(path, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    if fcntl is None:
        return
    for path in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # locked, or somebody else's
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
