"""The `cliphaze` command: one Typer app, one module per command; heavy imports happen inside the commands."""

import contextlib
import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.dehaze import EXAMPLES as DEHAZE_EXAMPLES
from cliphaze_cli.cli.dehaze import dehaze
from cliphaze_cli.cli.density import EXAMPLES as DENSITY_EXAMPLES
from cliphaze_cli.cli.density import density
from cliphaze_cli.cli.download import EXAMPLES as DOWNLOAD_EXAMPLES
from cliphaze_cli.cli.download import download_weights
from cliphaze_cli.cli.info import info
from cliphaze_cli.cli.refused import TellingGroup
from cliphaze_cli.cli.signals import EXIT_INTERRUPTED, termination_interrupts
from cliphaze_cli.cli.usage import ShownCommand
from cliphaze_cli.cli.web import web
from cliphaze_cli.system.errors import CliphazeError, UsageError
from cliphaze_cli.system.versions import __version__

app = typer.Typer(
    name="cliphaze",
    cls=TellingGroup,
    help="Remove haze from photographs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        Console().answer(f"cliphaze {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@contextlib.contextmanager
def _too_long_names_told() -> Iterator[None]:
    """Whichever file or folder a name is for, the system refuses it in the same way when it is too long."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise UsageError(f"a name is too long for this system: {error.filename}") from error


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Make Ctrl-C and SIGTERM end `command` with one line (Typer says nothing)."""

    @functools.wraps(command)
    def run(*args: object, **options: object) -> None:
        try:
            with termination_interrupts(), _too_long_names_told():
                command(*args, **options)
        except KeyboardInterrupt:
            Console().error("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return run


for _command, _examples in (
    (dehaze, DEHAZE_EXAMPLES),
    (density, DENSITY_EXAMPLES),
    (web, None),
    (download_weights, DOWNLOAD_EXAMPLES),
    (info, None),
):
    app.command(cls=ShownCommand, epilog=_examples)(_interruptible(_command))


def main() -> None:
    """Run the command line; expected failures become one line on stderr and their exit code."""
    _open_closed_streams()
    try:
        app(prog_name="cliphaze")
    except CliphazeError as error:
        Console().error(str(error))
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a bug; its traceback gets pasted into reports, so without credentials
        Console().error("unexpected, please report it:\n" + "".join(traceback.format_exception(error)).rstrip())
        sys.exit(CliphazeError.exit_code)


def _open_closed_streams() -> None:
    """Standard streams that whoever started this process has closed lead nowhere: their numbers must not go to files
    and pipes, which processes started from here would take for their streams."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            with contextlib.suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
