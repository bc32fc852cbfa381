"""Running a command of training as the command line does."""

from collections.abc import Callable

import typer
from typer.testing import CliRunner, Result


def run(command: Callable[..., None], *arguments: object) -> Result:
    """The result of a command, given its arguments as words."""
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
