"""The folders that outputs go to."""

from collections.abc import Iterable
from pathlib import Path

from cliphaze_cli.system.atomic_file import refuse_unwritable, sync_folder
from cliphaze_cli.system.errors import ImageError, UsageError
from cliphaze_cli.system.part_file import remove_leftovers


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
