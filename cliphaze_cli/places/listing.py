"""What a remote folder holds, page by page."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from cliphaze_cli.places import failures
from cliphaze_cli.places.filesystem import asked, opened
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.system.errors import UsageError

_NO_NAMES = ("", ".", "..")  # of folders here; in a store they are names like others
_NOT_IN_NAMES = () if os.sep == "/" else ("\\", ":")  # of Windows, where they lead elsewhere


@dataclass(frozen=True)
class Entry:
    """path: relative to the folder. kind: a file, a sub-folder that was not entered because nobody asked for it, or one
    that could not be, and why."""

    path: str
    kind: Literal["file", "folder", "unreadable"]
    why: str = ""


def entries(folder: Remote, *, recursive: bool = False, exclude: Remote | None = None) -> Iterator[Entry]:
    """What is in a folder, and with `recursive` in its sub-folders, but not in `exclude`; hidden ones are left out.

    Raises UsageError where the folder cannot be listed; a sub-folder that cannot is an entry with the reason.
    """
    odd: set[str] = set()
    for entry in _walked(folder, recursive, exclude):
        *folders, name = entry.path.split("/")
        if entry.kind == "folder":
            folders.append(name)
        if any(each in _NO_NAMES or any(sign in each for sign in _NOT_IN_NAMES) for each in folders):
            above = "/".join(folders)
            if not recursive:
                yield Entry(above, "folder")
            elif above not in odd:
                odd.add(above)
                yield Entry(above, "unreadable", "no folder here can have its name; move what it holds")
        elif name and not any(each.startswith(".") for each in (*folders, name)):  # stores keep empty folders as a /
            yield entry


def children(folder: Remote) -> Iterator[tuple[str, bool]]:
    """The names in a folder, and whether each is a folder; none where it does not exist."""
    try:
        yield from _level(folder)
    except FileNotFoundError:
        return


def names_below(folder: Remote, first: str = "", last: str = "") -> Iterator[str]:
    """All files of an object store below a folder, as paths relative to it. first, last: nothing that comes before or
    after these is needed; S3, which lists by name, is not asked for it."""
    if folder.protocol == "s3":
        for name, _ in _s3_pages(folder, "", after=first):
            if last and name > last:
                return
            yield name
        return

    def ask(system: Any, path: str) -> tuple[str, list[str]]:
        system.invalidate_cache()
        return path, system.find(path)

    path, found = asked(folder, "list", ask, UsageError)
    for name in found:
        yield _relative(name, path)


def _walked(folder: Remote, recursive: bool, exclude: Remote | None) -> Iterator[Entry]:
    if recursive and folder.is_object:
        skipped = None if exclude is None else exclude.path.removeprefix(folder.path + "/") + "/"
        for path in names_below(folder):
            if skipped is None or not path.startswith(skipped):
                yield Entry(path, "file")
    else:
        yield from _tree(folder, "", recursive, exclude)


def _tree(folder: Remote, above: str, recursive: bool, exclude: Remote | None) -> Iterator[Entry]:
    """By one listing for each folder, as disks have it."""
    try:
        found = _level_or_refuse(folder)
        if above:  # a folder that breaks off while it is listed is told as a whole
            found = iter(list(found))
    except UsageError as error:
        if not above:
            raise
        yield Entry(above.rstrip("/"), "unreadable", str(error).removeprefix(f"cannot list {folder}: "))
        return
    for name, is_folder in found:
        path = above + name
        enters = recursive and name not in _NO_NAMES and not name.startswith(".")
        if not is_folder:
            yield Entry(path, "file")
        elif not enters:
            yield Entry(path, "folder")
        elif folder / name != exclude:
            yield from _tree(folder / name, f"{path}/", recursive, exclude)


def _level_or_refuse(folder: Remote) -> Iterator[tuple[str, bool]]:
    try:
        yield from _level(folder)
    except FileNotFoundError as error:
        raise failures.explained(error, folder, "list", UsageError) from error


def _level(folder: Remote) -> Iterator[tuple[str, bool]]:
    if folder.protocol == "s3":
        yield from _s3_pages(folder, "/")
        return

    def ask(system: Any, path: str) -> tuple[str, list[dict[str, Any]]]:
        system.invalidate_cache()
        return path, system.ls(path, detail=True)

    path, found = asked(folder, "list", ask, UsageError)
    for each in found:
        if each["name"].rstrip("/") != path.rstrip("/"):
            yield _relative(each["name"], path), each["type"] == "directory"


def _relative(name: str, path: str) -> str:
    return name.lstrip("/").removeprefix(path.lstrip("/")).removeprefix("/")


def _s3_pages(folder: Remote, delimiter: str, after: str = "") -> Iterator[tuple[str, bool]]:
    """By S3's own pages: a bucket of a million objects is never in memory as a whole."""
    bucket, _, key = opened(folder)[1].partition("/")
    prefix = f"{key}/" if key else ""
    following = {"StartAfter": prefix + after} if after else {}
    while True:
        request = {"Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter, **following}
        page = asked(folder, "list", partial(_s3_page, request), UsageError)
        for each in page.get("CommonPrefixes", []):
            yield each["Prefix"].removeprefix(prefix)[:-1], True
        for each in page.get("Contents", []):
            if each["Key"] != prefix:
                yield each["Key"].removeprefix(prefix), False
        if not page.get("IsTruncated"):
            return
        following = {"ContinuationToken": page["NextContinuationToken"]}


def _s3_page(request: dict[str, Any], system: Any, path: str) -> dict[str, Any]:
    return system.call_s3("list_objects_v2", **request)
