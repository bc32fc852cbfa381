"""Command line arguments that several commands of training take: inputs, which have to be there."""

from pathlib import Path
from typing import Annotated, Any

import typer


def existing_file(help: str) -> Any:
    """An argument that is a file; a missing one is named in one line."""
    return typer.Argument(exists=True, dir_okay=False, help=help)


def existing_folder(help: str) -> Any:
    """An argument that is a folder; a missing one is named in one line."""
    return typer.Argument(exists=True, file_okay=False, help=help)


Pack = Annotated[Path, existing_file("Made by training.prepare.")]
