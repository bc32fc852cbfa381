"""Objects fetched into files of this machine, and files put in their place: whole or not at all."""

import contextlib
import errno
import hashlib
import secrets
import shutil
from pathlib import Path
from typing import Any

from cliphaze_cli.places import failures
from cliphaze_cli.places.filesystem import asked
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.system.atomic_file import exists_by_now, shown
from cliphaze_cli.system.errors import CliphazeError, ImageError, UsageError
from cliphaze_cli.system.part_file import PART_SUFFIX

_NOT_OFFERED = (errno.ENOSYS, errno.EOPNOTSUPP)


def fetch(source: Remote, file: Path, *, max_bytes: int) -> int:
    """Copy an object to a new file and return its bytes.

    Raises ImageError, before it is fetched, if it is larger than `max_bytes` or than the disk's space; also if it is
    missing, cannot be read, or changes while it is read.
    """
    try:
        return asked(source, "fetch", lambda system, path: _fetch(system, path, source, file, max_bytes), ImageError)
    except FileNotFoundError as error:
        raise ImageError(
            f"cannot fetch {shown(source)}: there is no such object; check the URL, or was it deleted meanwhile?"
        ) from error


def _fetch(system: Any, path: str, source: Remote, file: Path, max_bytes: int) -> int:
    from fsspec.callbacks import Callback

    class Limit(Callback):
        """Called with the bytes of each block; of sizes that are not told, or were not true, this is the check."""

        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            _check_size(self.value, source, max_bytes)

    system.invalidate_cache()
    found = system.info(path)
    if found["type"] == "directory":
        raise ImageError(f"cannot fetch {shown(source)}: it is a folder; give an image file")
    size = found.get("size")
    if size is not None:
        _check_size(size, source, max_bytes)
        if size > shutil.disk_usage(file.parent).free:
            raise OSError(errno.ENOSPC, "no space")
    system.get_file(path, str(file), callback=Limit())
    got = file.stat().st_size
    if size is not None and got != size and source.is_object:
        raise ImageError(f"cannot fetch {shown(source)}: it changed or broke off meanwhile; run again")
    return got


def _check_size(size: int, source: Remote, max_bytes: int) -> None:
    if size > max_bytes:
        raise ImageError(
            f"cannot fetch {shown(source)}: it has {size / 1e6:,.0f} MB, and no photo of the permitted size has more "
            f"than {max_bytes / 1e6:,.0f}; raise the limit (--max-megapixels)"
        )


def put(file: Path, target: Remote, *, replace: bool) -> None:
    """Copy a file to an object, which appears whole or not at all.

    Raises ImageError where that fails, and OutputExistsError if the object exists by then and is not to `replace`.
    """
    try:
        asked(target, "write", lambda system, path: _put(system, path, target, file, replace), ImageError)
    except FileExistsError as error:
        raise exists_by_now(target) from error
    except FileNotFoundError as error:
        raise ImageError(f"cannot write {shown(target)}: there is no such bucket or folder; create it first") from error


def refuse_unwritable(folder: Remote) -> None:
    """Raise UsageError if a store says that nothing may be written in a folder. S3 is asked by an upload that is begun
    and taken back, of which no object comes; other stores and any other answer are left to the first photo."""
    if folder.protocol == "s3":
        with contextlib.suppress(_UnknownError, FileNotFoundError, FileExistsError):
            asked(folder / f".trial{PART_SUFFIX}", "write", _begin_and_take_back, _UnknownError)


class _UnknownError(CliphazeError):
    """Something else than a refusal."""


def _begin_and_take_back(system: Any, path: str) -> None:
    bucket, _, key = path.partition("/")
    try:
        upload = system.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
    except PermissionError as error:
        raise failures.explained(error, Remote("s3", path).parent, "write in", UsageError) from error
    system.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload["UploadId"])


def _put(system: Any, path: str, target: Remote, file: Path, replace: bool) -> None:
    if target.protocol == "s3" and not replace:
        _create(system, path, file)
        return
    if not replace:
        _refuse_existing(system, path)
    if target.is_object:
        system.put_file(str(file), path)
    else:
        _put_and_rename(system, path, file, replace)


def _create(system: Any, path: str, file: Path) -> None:
    """By a condition of the put itself: another run that makes the same object at this moment loses nothing."""
    try:
        system.put_file(str(file), path, mode="create")
    except OSError as error:
        if failures.is_taken(error):
            if not _is_there_already(system, path, file):
                raise FileExistsError(path) from error
        elif error.errno in _NOT_OFFERED:
            _refuse_existing(system, path)
            system.put_file(str(file), path)
        else:
            raise


def _is_there_already(system: Any, path: str, file: Path) -> bool:
    """Whether the object is this file: of a put that was asked again, the first may have got there."""
    tag = str(system.info(path).get("ETag", "")).strip('"')
    with file.open("rb") as stream:
        return tag == hashlib.file_digest(stream, _md5).hexdigest()


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _refuse_existing(system: Any, path: str) -> None:
    system.invalidate_cache()
    if system.exists(path):
        raise FileExistsError(path)


def _put_and_rename(system: Any, path: str, file: Path, replace: bool) -> None:
    """For file systems in which a file is seen while it grows."""
    folder, _, name = path.rpartition("/")
    part = f"{folder}/.{name[:100]}.{secrets.token_hex(4)}{PART_SUFFIX}"
    if folder.strip("/"):
        system.makedirs(folder, exist_ok=True)
    try:
        system.put_file(str(file), part)
        if not replace:
            _refuse_existing(system, path)
        system.mv(part, path)
    except BaseException:
        with contextlib.suppress(Exception):
            system.rm_file(part)
        raise
