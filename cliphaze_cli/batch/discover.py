"""Find the photos and films of a folder."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path, PurePath, PurePosixPath

from cliphaze_cli.imaging.comparison_paths import COMPARISON_ENDING
from cliphaze_cli.imaging.film_names import is_film_name
from cliphaze_cli.imaging.formats import is_image_name
from cliphaze_cli.imaging.other_kinds import kind_of_name
from cliphaze_cli.places.remote import Place, Remote

_PART = 1000  # files of a remote folder that are looked at together
OWN_ENDINGS = (".density.png", ".density-overlay.png", COMPARISON_ENDING)  # what cliphaze wrote for people to see


@dataclass(frozen=True)
class Found:
    """What a folder holds, or a part of it; all places are relative to where the search began.

    folder: which one. names: of its photos and films, sorted. left_out: how many files of which other kinds: camera raw
    files that are not read, ... ignored: files whose names are not those of pictures at all. subfolders: met and,
    without `recursive`, not entered. unreadable: sub-folders that could not be listed, and why.
    """

    folder: PurePath
    names: Sequence[str] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    ignored: int = 0
    subfolders: int = 0
    unreadable: Sequence[tuple[Place, str]] = ()

    @property
    def photos(self) -> int:
        """How many photos and films."""
        return len(self.names)


class Counts:
    """What several parts hold together, apart from the photos."""

    def __init__(self) -> None:
        self.photos = self.ignored = self.subfolders = 0
        self.left_out: Counter[str] = Counter()
        self.unreadable: list[tuple[Place, str]] = []

    def add(self, found: "Found | Counts") -> None:
        """Add a part, or parts that were counted already."""
        self.photos += found.photos
        self.left_out.update(found.left_out)
        self.ignored += found.ignored
        self.subfolders += found.subfolders
        self.unreadable += found.unreadable


def find_images(
    folder: Path, *, recursive: bool = False, exclude: Path | None = None, films: bool = False
) -> Iterator[Found]:
    """List the images of `folder` by their names, and with `films` its films; hidden files and folders are left out.

    With `recursive` its sub-folders too, one after the other, but not `exclude` (the output folder), and not symbolic
    links to folders, which could lead round in circles. Whatever else has the name of an image is listed, dangling
    links and pipes too: reading them fails and is reported, where leaving them out would hide it. Density maps and
    comparisons that cliphaze wrote are not taken for photos. Raises OSError if `folder` itself cannot be listed.
    """
    os.scandir(folder).close()  # walk() reports what it cannot list to onerror only; the top folder must raise
    unreadable: list[tuple[Path, str]] = []

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename), error.strerror or str(error)))

    for top, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = len(folders)
        if recursive:
            folders[:] = [name for name in folders if exclude is None or not _same(Path(top, name), exclude)]
        else:
            folders.clear()
        shown = (name for name in names if not name.startswith("."))
        yield _sorted_out(Path(top).relative_to(folder), shown, films, subfolders=below)
    yield Found(PurePath(), unreadable=sorted(unreadable))


def find_remote_images(
    folder: Remote, *, recursive: bool = False, exclude: Remote | None = None, films: bool = False
) -> Iterator[Found]:
    """The same of a folder of another file system, in parts. Raises UsageError if it cannot be listed."""
    from cliphaze_cli.places.listing import entries

    met = ((PurePosixPath(entry.path), entry) for entry in entries(folder, recursive=recursive, exclude=exclude))
    for above, part in groupby(met, key=lambda each: each[0].parent):
        while some := [entry for _, entry in islice(part, _PART)]:
            files = [PurePosixPath(entry.path).name for entry in some if entry.kind == "file"]
            broken = [(folder / entry.path, entry.why) for entry in some if entry.kind == "unreadable"]
            below = len(some) - len(files) - len(broken)
            yield _sorted_out(above, files, films, subfolders=below, unreadable=broken)


def is_listed(name: str, films: bool) -> bool:
    """Whether a file of that name in a folder is taken for a photo or a film."""
    path = PurePath(name)
    if name.startswith("."):
        return False
    return (is_image_name(path) and not name.lower().endswith(OWN_ENDINGS)) or (films and is_film_name(path))


def _sorted_out(
    folder: PurePath,
    names: Iterable[str],
    films: bool,
    *,
    subfolders: int = 0,
    unreadable: Sequence[tuple[Place, str]] = (),
) -> Found:
    """What the names of files that are not hidden say."""
    images: list[str] = []
    left_out: Counter[str] = Counter()
    ignored = 0
    for name in names:
        if is_listed(name, films):
            images.append(name)
        elif kind := kind_of_name(PurePath(name)):
            left_out[kind] += 1
        else:
            ignored += 1
    return Found(folder, sorted(images), left_out, ignored, subfolders, unreadable)


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False
