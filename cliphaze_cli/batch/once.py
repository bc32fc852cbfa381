"""A photo that is given twice is one photo."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cliphaze_cli.batch.discover import is_listed
from cliphaze_cli.places.remote import Place, Remote


class Once:
    """Lets each photo through once, by its folder and its name: a link is another photo.

    It remembers folders, and files that were given by name, but not the photos of folders.
    """

    def __init__(self, films: bool) -> None:
        """films: whether they are among what folders give."""
        self._films = films
        self._files: set[Place] = set()
        self._folders: dict[Place, int] = {}  # and by which of the inputs it was listed
        self._input = 0

    def is_new(self, file: Place) -> bool:
        """Of a file that was given by name."""
        folder = _without_links(file.parent)
        if folder / file.name in self._files or (folder in self._folders and is_listed(file.name, self._films)):
            return False
        self._files.add(folder / file.name)
        return True

    def begin_folder(self) -> None:
        """What follows is of another input, a folder."""
        self._input += 1

    def new_in(self, folder: Place, names: Iterable[str]) -> Iterator[str]:
        """Those of the names in a folder that are new; a folder may come in parts."""
        folder = _without_links(folder)
        if self._folders.setdefault(folder, self._input) != self._input:
            return
        for name in names:
            if not self._files or folder / name not in self._files:
                yield name


def _without_links(folder: Place) -> Place:
    return folder if isinstance(folder, Remote) else Path(os.path.realpath(folder))
