"""Sources and targets of a whole run, put in order by the folders of the targets, outside of the memory."""

from collections.abc import Iterator
from typing import NamedTuple

from cliphaze_cli.batch.refusals import name_key
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.system.temporary_store import TemporaryStore

_TOGETHER = 1000  # pairs of the same folders that are stored as one


class Folders(NamedTuple):
    """in_place: the outputs of earlier runs may lie among the sources."""

    source: Place
    target: Place
    in_place: bool = False


class PairList:
    """Takes pairs in any order, and gives them back together with all others that are written to the same folder."""

    def __init__(self) -> None:
        self._store = TemporaryStore()
        self._by_target: dict[str, list[int]] = {}
        self._newest: tuple[Folders | None, list[tuple[str, str]]] = (None, [])
        self._count = 0
        self._buckets: set[Remote] = set()

    def add(self, source: Place, target: Place) -> None:
        """Add a pair."""
        (source_folder, source_name), (target_folder, target_name) = _parted(source), _parted(target)
        self.add_in(Folders(source_folder, target_folder), source_name, target_name)

    def add_in(self, folders: Folders, source: str, target: str) -> None:
        """Add a pair by the names in its folders."""
        if self._newest[0] != folders or len(self._newest[1]) == _TOGETHER:
            self._put_away()
            self._newest = (folders, [])
        self._newest[1].append((source, target))
        self._count += 1

    def __len__(self) -> int:
        return self._count

    @property
    def target_buckets(self) -> set[Remote]:
        """The buckets that are written to."""
        self._put_away()
        return self._buckets

    @property
    def groups(self) -> Iterator[list[tuple[Place, Place]]]:
        """All pairs, by the folder that they are written to, whether or not its disk tells upper case from lower."""
        self._put_away()
        for stored in self._by_target.values():
            parts = [self._store.get(place) for place in stored]
            earlier = {folders.target / target for folders, names in parts if folders.in_place for _, target in names}
            yield [
                (folders.source / source, folders.target / target)
                for folders, names in parts
                for source, target in names
                if not (folders.in_place and folders.target / source in earlier)
            ]

    @property
    def sources(self) -> Iterator[Place]:
        """All of them."""
        return (source for group in self.groups for source, _ in group)

    def _put_away(self) -> None:
        folders, names = self._newest
        if folders is not None and names:
            if isinstance(folders.target, Remote):
                self._buckets.add(folders.target.root)
            self._by_target.setdefault(name_key(folders.target), []).append(self._store.put((folders, names)))
        self._newest = (None, [])


def _parted(place: Place) -> tuple[Place, str]:
    """Folder and name; a bucket has no folder."""
    folder = place.parent
    return (folder, place.name) if folder / place.name == place else (place, "")
