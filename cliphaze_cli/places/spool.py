"""Private folders for what is on its way: nobody else may read them, and they are removed also when their process was
killed."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.part_file import PART_SUFFIX, create_part, remove_leftovers

_PREFIX = "cliphaze-photo-"
_ABANDONED = 86_400.0  # seconds: a folder that old without a lock is nobody's


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that is gone after the block. Raises CliphazeError where none can be made."""
    folder = lock = None
    try:
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            _, lock = create_part(folder / "lock")
        except OSError as error:
            raise CliphazeError(
                f"cannot make a temporary folder: {error.strerror}; name another place for it by TMPDIR"
            ) from error
        yield folder
    finally:
        if lock is not None:
            os.close(lock)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove the private folders of killed processes; whatever cannot be removed stays."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with contextlib.suppress(OSError):
                    _remove_if_abandoned(entry)


def _remove_if_abandoned(entry: "os.DirEntry[str]") -> None:
    status = entry.stat(follow_symlinks=False)
    if not entry.is_dir(follow_symlinks=False) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
        return
    folder = Path(entry.path)
    was_locked = _has_lock(folder)
    remove_leftovers(folder)  # which removes the lock file if nobody holds it
    if not _has_lock(folder) and (was_locked or time.time() - status.st_mtime > _ABANDONED):
        shutil.rmtree(folder, ignore_errors=True)


def _has_lock(folder: Path) -> bool:
    return any(path.name.startswith(".lock.") and path.name.endswith(PART_SUFFIX) for path in folder.iterdir())
