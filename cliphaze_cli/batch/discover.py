"""Find the photos and films of a folder."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from cliphaze_cli.imaging.comparison_paths import COMPARISON_ENDING
from cliphaze_cli.imaging.film_names import is_film_name
from cliphaze_cli.imaging.formats import is_image_name
from cliphaze_cli.imaging.other_kinds import kind_of_name
from cliphaze_cli.places.remote import Place, Remote

OWN_ENDINGS = (".density.png", ".density-overlay.png", COMPARISON_ENDING)  # what cliphaze wrote for people to see


@dataclass(frozen=True)
class Found:
    """What a folder holds. Paths in `images` are relative to the folder, sorted."""

    images: tuple[PurePath, ...]
    left_out: Mapping[str, int]  # how many files of which other kinds: videos, camera raw files, ...
    ignored: int  # files whose names are not those of pictures at all
    subfolders: int  # met and, without `recursive`, not entered
    unreadable: tuple[tuple[Place, str], ...]  # sub-folders that could not be listed, and why


def find_images(folder: Path, *, recursive: bool = False, exclude: Path | None = None, films: bool = False) -> Found:
    """List the images of `folder` by their names, and with `films` its films; hidden files and folders are left out.

    With `recursive` its sub-folders too, but not `exclude` (the output folder), and not symbolic links to folders,
    which could lead round in circles. Whatever else has the name of an image is listed, dangling links and pipes
    too: reading them fails and is reported, where leaving them out would hide it. Density maps and
    comparisons that cliphaze wrote are not taken for photos. Raises OSError if `folder` itself cannot be listed.
    """
    os.scandir(folder).close()  # walk() reports what it cannot list to onerror only; the top folder must raise
    images: list[Path] = []
    left_out: Counter[str] = Counter()
    unreadable: list[tuple[Path, str]] = []
    ignored = subfolders = 0

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename), error.strerror or str(error)))

    for top, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        subfolders += len(folders)
        if recursive:
            folders[:] = [name for name in folders if exclude is None or not _same(Path(top, name), exclude)]
        else:
            folders.clear()
        for path in (Path(top, name) for name in names if not name.startswith(".")):
            if _is_photo(path) or (films and is_film_name(path)):
                images.append(path.relative_to(folder))
            elif kind := kind_of_name(path):
                left_out[kind] += 1
            else:
                ignored += 1
    return Found(tuple(sorted(images)), left_out, ignored, subfolders, tuple(sorted(unreadable)))


def find_remote_images(
    folder: Remote, *, recursive: bool = False, exclude: Remote | None = None, films: bool = False
) -> Found:
    """The same of a folder of another file system. Raises UsageError if it cannot be listed."""
    from cliphaze_cli.places.listing import entries

    images: list[PurePath] = []
    left_out: Counter[str] = Counter()
    unreadable: list[tuple[Place, str]] = []
    ignored = subfolders = 0
    for entry in entries(folder, recursive=recursive, exclude=exclude):
        path = PurePosixPath(entry.path)
        if entry.kind == "unreadable":
            unreadable.append((folder / entry.path, entry.why))
        elif entry.kind == "folder":
            subfolders += 1
        elif _is_photo(path) or (films and is_film_name(path)):
            images.append(path)
        elif kind := kind_of_name(path):
            left_out[kind] += 1
        else:
            ignored += 1
    return Found(tuple(sorted(images)), left_out, ignored, subfolders, tuple(unreadable))


def _is_photo(path: PurePath) -> bool:
    return is_image_name(path) and not path.name.lower().endswith(OWN_ENDINGS)


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False
