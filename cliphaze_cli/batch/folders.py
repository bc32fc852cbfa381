"""The folders that outputs go to."""

from collections.abc import Iterable
from pathlib import Path

from cliphaze_cli.errors import ImageError, UsageError
from cliphaze_cli.imaging.atomic import refuse_unwritable


def make_folders(folders: Iterable[Path]) -> None:
    """Create the folders that are missing, and see that files can be made in each; raises UsageError if not.

    All before the work starts: a batch should not run for hours towards a folder that takes none of its outputs.
    """
    for folder in sorted(set(folders)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot create the output folder {folder}: {error.strerror}") from error
        try:
            refuse_unwritable(folder)
        except ImageError as error:
            raise UsageError(str(error)) from error
