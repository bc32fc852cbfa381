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
from cliphaze_cli.system.text import one_line, readable

_OPEN_FILES_CAN_MOVE = os.name != "nt"
_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class ByteSink(Protocol):
    """The methods of an open file that encoders use."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...
    def flush(self) -> None: ...


class _Sink:
    """An open file without `fileno`. With one Pillow writes in C, and calls a full disk "encoder error -2".

    path: for encoders that open files themselves, by which they write to this very file.
    """

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self.path = path
        self.write = stream.write
        self.seek = stream.seek
        self.tell = stream.tell
        self.flush = stream.flush


def shown(path: object) -> str:
    """Return a path, or a URL, as text for a one-line message; line breaks and undecodable bytes in it are escaped."""
    text = readable(str(path))
    return text if text.isprintable() else ascii(text)


@contextmanager
def atomic_file(
    path: Path, *, replace: bool = True, follow: bool = True, source: FileStatus | None = None, dated: bool = True
) -> Iterator[_Sink]:
    """Open a temporary file that is renamed to `path` when the block ends, and deleted if the block raises.

    After the block the file is on the disk and survives a power cut.

    Args:
        path: of the finished file. Its folder must exist.
        replace: replace a file that is there. A symbolic link stays, and the file that it leads to is replaced.
            Without `replace` any existing file or link is an error, also a link that leads nowhere.
        follow: without it a symbolic link at `path` is an error even with `replace`.
        source: status of the file that this one is made from. Group and others get no permission that they lack there.
        dated: set the file's times to those of `source`.

    Raises:
        OutputExistsError: something is at `path` that may not be replaced, or appeared there during the block.
        ImageError: the system refuses to write; the message is one line.
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
            yield _Sink(stream, part)
            stream.flush()
            if source is not None and dated:
                file_status.date(descriptor, source)
            os.fsync(stream.fileno())
            if _OPEN_FILES_CAN_MOVE:  # before closing: that ends the lock, and `remove_leftovers` could take the file
                _publish(part, target, replace)
        if not _OPEN_FILES_CAN_MOVE:
            _publish(part, target, replace)
        part = None
        sync_folder(target.parent)
    except FileExistsError as error:
        raise exists_by_now(path) from error
    except OSError as error:
        raise ImageError(f"cannot write {shown(path)}: {_reason(error, target)}") from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def exists_by_now(path: object) -> OutputExistsError:
    """The error to raise where a path, or an object, appeared that may not be replaced."""
    return OutputExistsError(
        f"{shown(path)} exists by now: something else made it meanwhile, and it is kept; --overwrite replaces it"
    )


def refuse_unwritable(folder: Path) -> None:
    """Raise ImageError if no file can be made in `folder`. It makes one and deletes it: permissions do not tell all."""
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
    """Write the names in `folder` to the disk, so that they survive a power cut, where the system can do that."""
    if hasattr(os, "O_DIRECTORY"):
        with contextlib.suppress(OSError):  # some network drives refuse
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _publish(part: Path, target: Path, replace: bool) -> None:
    """Rename the finished file to `target`. Raises FileExistsError if something is there and `replace` is not set."""
    if replace:
        part.replace(target)
    elif os.name == "nt":
        part.rename(target)  # fails there if the target exists
    else:
        try:
            os.link(part, target)  # fails if the target exists, even if it appeared just now; a rename would replace it
        except FileExistsError:
            raise
        except OSError:  # this disk has no hard links (FAT), so look first and rename then
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
    return f"{one_line(str(error.strerror or error))}; check the disk and try again"
