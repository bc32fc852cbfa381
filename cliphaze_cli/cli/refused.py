"""With --json programs read why nothing was started, whoever found it out: a command, or the parser of options."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from typer.core import TyperGroup

from cliphaze_cli.cli.console import Console
from cliphaze_cli.imaging.formats import is_image_name
from cliphaze_cli.system.errors import CliphazeError, UsageError
from cliphaze_cli.system.text import without_credentials


class TellingGroup(TyperGroup):
    """The commands; what they refuse is printed as a JSON document where --json stands among the arguments."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the options of `cliphaze` itself."""
        with _told():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read a command's options, and run it."""
        with _told():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command, by its name; a photo or a folder in its place is told."""
        name = args[0] if args else ""
        if self.get_command(ctx, name) is None and (os.path.lexists(name) or is_image_name(PurePath(name))):
            raise UsageError(f"the first word is a command: `cliphaze dehaze {name} ...`, or density")
        return super().resolve_command(ctx, args)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # With this exit code nothing was started, so no document has been printed yet.
        if getattr(error, "exit_code", None) == UsageError.exit_code and "--json" in sys.argv[1:]:
            # The parser's errors are Click's or Typer's own, by version; `format_message` is common to them.
            message = None if isinstance(error, CliphazeError) else getattr(error, "format_message", None)
            if isinstance(error, CliphazeError) or message is not None:
                text = without_credentials(str(error) if message is None else message())
                Console(as_json=True).result({"exit_status": UsageError.exit_code, "error": text})
        raise
