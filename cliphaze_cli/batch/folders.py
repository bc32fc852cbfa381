"""The folders that outputs go to."""

import os
from collections.abc import Iterable
from pathlib import Path

from cliphaze_cli.system.atomic_file import refuse_unwritable, sync_folder
from cliphaze_cli.system.errors import ImageError, UsageError
from cliphaze_cli.system.part_file import remove_leftovers


def refuse_folders(folders: Iterable[Path]) -> None:
    """Raise UsageError where `make_folders` would, as far as that can be seen without making anything."""
    for folder in sorted(set(folders)):
        there = next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))
        if not there.is_dir():
            raise UsageError(f"cannot create the output folder {folder}: {there} is not a folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise UsageError(
                f"cannot write in {folder}: no permission to write in {there}; choose another output folder"
            )


def make_folders(folders: Iterable[Path]) -> None:
    """Create the folders that are missing, and see that files can be made in each; raises UsageError if not.

    All before the work starts: a batch should not run for hours towards a folder that takes none of its outputs.
    What earlier runs left behind when they were killed is removed.
    """
    for folder in sorted(set(folders)):
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for made in missing:
                sync_folder(made.parent)
        except OSError as error:
            raise UsageError(f"cannot create the output folder {folder}: {error.strerror}") from error
        try:
            refuse_unwritable(folder)
        except ImageError as error:
            raise UsageError(str(error)) from error
        remove_leftovers(folder)
