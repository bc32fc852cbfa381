"""What stands where photos are read and outputs will be written, for whoever plans that."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from cliphaze_cli.places import listing
from cliphaze_cli.places.filesystem import asked
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.system.errors import UsageError

Kind = Literal["file", "folder"]

_FEW = 4  # places of one folder that are asked for one by one
_LAST = "/\U0010ffff"  # what lies in a folder comes before this
_MANY_FOLDERS = 16  # whose files are listed together


class Look:
    """Looks at places: at those of this machine anew each time, at remote ones once."""

    def __init__(self) -> None:
        self._kinds: dict[Remote, Kind | None] = {}
        self._again = False  # whether it looks at a part of many places, after others

    def is_folder(self, place: Place) -> bool:
        """Whether it is a folder, or what stands for one."""
        return place.is_dir() if isinstance(place, Path) else self._kind(place) == "folder"

    def is_file(self, place: Place) -> bool:
        """Whether it is a file or an object."""
        return place.is_file() if isinstance(place, Path) else self._kind(place) == "file"

    def exists(self, place: Place) -> bool:
        """Whether anything is there; a link that leads nowhere is nothing."""
        return place.exists() if isinstance(place, Path) else self._kind(place) is not None

    def taken(self, place: Place) -> bool:
        """Whether its name is taken, also by a link that leads nowhere."""
        return os.path.lexists(place) if isinstance(place, Path) else self._kind(place) is not None

    def prepare(self, places: Iterable[Place]) -> None:
        """Look at many remote places together, by listing their folders. Raises UsageError where that fails."""
        folders: dict[Remote, list[Remote]] = defaultdict(list)
        for place in places:
            if isinstance(place, Remote) and place not in self._kinds:
                folders[place.parent].append(place)
        roots = {folder.root for folder in folders}
        if len(folders) > _MANY_FOLDERS and len(roots) == 1:
            root = next(iter(roots))
            if root.protocol == "s3" or (root.is_object and not self._again):
                self._list_all(folders)
                return
        for folder, wanted in folders.items():
            if len(wanted) > _FEW:
                found = {folder / name: _kind_of(is_folder) for name, is_folder in listing.children(folder)}
                self._kinds |= {place: found.get(place) for place in wanted}

    def forget(self) -> None:
        """Look anew from now on; many places would fill the memory."""
        self._kinds.clear()
        self._again = True

    def _list_all(self, folders: Mapping[Remote, Sequence[Remote]]) -> None:
        top = _common(folders)
        wanted = {place for places in folders.values() for place in places}
        found: dict[Remote, Kind] = {}
        below = [place.path.removeprefix(top.path).removeprefix("/") for place in wanted]
        for name in listing.names_below(top, min(below)[:-1], max(each + _LAST for each in below)):
            place = top / name
            if place in wanted:
                found[place] = "file"
            while len((place := place.parent).path) > len(top.path):
                if place in wanted:
                    found.setdefault(place, "folder")
        self._kinds |= {place: found.get(place) for place in wanted}

    def _kind(self, place: Remote) -> Kind | None:
        if place not in self._kinds:
            self._kinds[place] = kind(place)
        return self._kinds[place]


def kind(place: Remote) -> Kind | None:
    """What a remote place is now; None where nothing is. Raises UsageError where that cannot be told."""

    def ask(system: Any, path: str) -> Kind:
        system.invalidate_cache()
        return _kind_of(system.info(path)["type"] == "directory")

    try:
        return asked(place, "look at", ask, UsageError)
    except FileNotFoundError:
        return None


def modified(place: Remote) -> float | None:
    """When an object was written, in seconds since 1970; None where there is none, or nothing tells."""
    try:
        return asked(place, "look at", lambda system, path: system.modified(path).timestamp(), UsageError)
    except (FileNotFoundError, UsageError):
        return None


def refuse_missing_bucket(place: Place) -> None:
    """Raise UsageError if the bucket of a place in an object store does not exist."""
    if isinstance(place, Remote) and place.is_object:
        try:
            found = kind(place.root)
        except UsageError as error:
            if isinstance(error.__cause__, PermissionError):  # one may write into a bucket that one may not look at
                return
            raise
        if found is None:
            raise UsageError(f"there is no bucket {place.root.name} for {place}: create it first, or check the URL")


def _common(folders: Iterable[Remote]) -> Remote:
    """The folder that all of one bucket lie in."""
    parts = [folder.path.split("/") for folder in folders]
    first, last = min(parts), max(parts)
    same = next((count for count, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return Remote(next(iter(folders)).protocol, "/".join(first[:same]))


def _kind_of(is_folder: bool) -> Kind:
    return "folder" if is_folder else "file"
