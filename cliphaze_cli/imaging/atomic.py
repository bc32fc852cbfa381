"""Files that appear complete or not at all."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from cliphaze_cli.errors import ImageError

PART_SUFFIX = ".cliphaze-part"
"""Ending of the temporary files, which are hidden and lie beside the file they become."""

_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class ByteSink(Protocol):
    """Where encoders write to."""

    def write(self, data: bytes, /) -> int: ...
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
    text = str(path)
    return text if text.isprintable() else ascii(text)


@contextmanager
def atomic_file(path: Path) -> Iterator[ByteSink]:
    """A file to write that replaces `path` when the block ends, and vanishes if it fails or is interrupted.

    A symbolic link stays one: its target is replaced. Raises ImageError where the system refuses.
    """
    target = Path(os.path.realpath(path))
    part = None
    try:
        if target.exists() and not target.is_file():
            kind = "a folder" if target.is_dir() else "not a regular file"
            raise ImageError(f"cannot write {shown(path)}: it is {kind}; choose another output name")
        part, descriptor = _create_part(target)
        with os.fdopen(descriptor, "wb") as stream:
            yield _Sink(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
        part = None
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
        part, descriptor = _create_part(folder / "trial")
        os.close(descriptor)
    except OSError as error:
        raise ImageError(f"cannot write in {shown(folder)}: {_reason(error, folder / 'trial')}") from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def _create_part(target: Path) -> tuple[Path, int]:
    # Not tempfile.mkstemp: it makes files that only their owner may read, and asking for the umask to correct that
    # is not thread-safe. Names are cut because the ending could make a long one too long.
    stem = target.name.encode("utf-8", "surrogateescape")[:120].decode("utf-8", "ignore")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    while True:
        part = target.with_name(f".{stem}.{secrets.token_hex(4)}{PART_SUFFIX}")
        with contextlib.suppress(FileExistsError):
            return part, os.open(part, flags, 0o666)


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
