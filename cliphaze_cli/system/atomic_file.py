"""Files that appear complete or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from cliphaze_cli.system import file_status
from cliphaze_cli.system.errors import ImageError, OutputExistsError
from cliphaze_cli.system.file_status import FileStatus
from cliphaze_cli.system.part_file import create_part
from cliphaze_cli.system.text import readable

_OPEN_FILES_CAN_MOVE = os.name != "nt"
_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class ByteSink(Protocol):
    """Where encoders write to."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...
    def flush(self) -> None: ...


class _Sink:
    """A file without `fileno`: given one, Pillow writes in C and reports a full disk as "encoder error -2"."""

    def __init__(self, stream: BinaryIO) -> None:
        self.write = stream.write
        self.seek = stream.seek
        self.tell = stream.tell
        self.flush = stream.flush


def shown(path: Path) -> str:
    """A path for a one-line message, even if its name holds line breaks or undecodable bytes."""
    text = readable(str(path))
    return text if text.isprintable() else ascii(text)


@contextmanager
def atomic_file(
    path: Path, *, replace: bool = True, follow: bool = True, source: FileStatus | None = None, dated: bool = True
) -> Iterator[ByteSink]:
    """A file to write that becomes `path` when the block ends, and vanishes if it fails or is interrupted.

    After the block the file is on the disk, also if the power fails. With `replace` a symbolic link stays one: its
    target is replaced. Without, or without `follow`, a link counts as something that exists, also if it leads nowhere.
    source: of the file it is made from, whose permissions it does not exceed, and whose times it gets if `dated`.
    Raises ImageError where the system refuses, and OutputExistsError if `path` exists by then and may not be replaced.
    """
    target = Path(os.path.realpath(path) if replace and follow else path)
    part = None
    try:
        if (not replace and os.path.lexists(target)) or (not follow and target.is_symlink()):
            raise FileExistsError
        if target.exists() and not target.is_file():
            kind = "a folder" if target.is_dir() else "not a regular file"
            raise ImageError(f"cannot write {shown(path)}: it is {kind}; choose another output name")
        part, descriptor = create_part(target)
        with os.fdopen(descriptor, "wb") as stream:
            if source is not None:
                file_status.restrict(descriptor, source)
            yield _Sink(stream)
            stream.flush()
            if source is not None and dated:
                file_status.date(descriptor, source)
            os.fsync(stream.fileno())
            if _OPEN_FILES_CAN_MOVE:  # and closing would end the lock
                _publish(part, target, replace)
        if not _OPEN_FILES_CAN_MOVE:
            _publish(part, target, replace)
        part = None
        sync_folder(target.parent)
    except FileExistsError as error:
        raise OutputExistsError(
            f"{shown(path)} exists by now: something else made it meanwhile, and it is kept; --overwrite replaces it"
        ) from error
    except OSError as error:
        raise ImageError(f"cannot write {shown(path)}: {_reason(error, target)}") from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def refuse_unwritable(folder: Path) -> None:
    """Raise ImageError if no file can be made in `folder`: by trying, as permissions do not tell on every system."""
    part = None
    try:
        part, descriptor = create_part(folder / "trial")
        os.close(descriptor)
    except OSError as error:
        raise ImageError(f"cannot write in {shown(folder)}: {_reason(error, folder / 'trial')}") from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` survive a power cut, as far as the system offers that."""
    if hasattr(os, "O_DIRECTORY"):
        with contextlib.suppress(OSError):  # some network drives refuse
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _publish(part: Path, target: Path, replace: bool) -> None:
    """Give the finished file its name; raises FileExistsError if that is taken and not to be replaced."""
    if replace:
        part.replace(target)
    elif os.name == "nt":
        part.rename(target)  # fails there if the target exists
    else:
        try:
            os.link(part, target)  # unlike a rename it fails if the target exists, whoever makes it at this moment
        except FileExistsError:
            raise
        except OSError:  # no hard links on this disk (FAT): what is left is to look first
            if os.path.lexists(target):
                raise FileExistsError from None
            part.replace(target)
        else:
            part.unlink()


def _reason(error: OSError, target: Path) -> str:
    folder = shown(target.parent)
    if error.errno in _NO_SPACE:
        return f"no space left on the disk of {folder}; free some and run again"
    if error.errno == errno.EROFS:
        return f"the folder {folder} is on a read-only disk; choose another output folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to write in {folder}; choose another output folder or change its permissions"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"there is no folder {folder}; create it first"
    if error.errno == errno.ENAMETOOLONG:
        return "the file name is too long; choose a shorter one"
    return f"{' '.join(str(error.strerror or error).split())}; check the disk and try again"
