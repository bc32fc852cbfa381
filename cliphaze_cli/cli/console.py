"""The one sink of output: answers on stdout, for people or as JSON for programs; all else on stderr."""

import contextlib
import sys
from dataclasses import dataclass
from typing import Any

from cliphaze_cli.report.storage import json_text
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.text import readable, without_credentials


@dataclass
class Console:
    """`verbosity`: -1 errors only, 0 normal, 1 detail. With `as_json`, stdout carries one JSON document."""

    verbosity: int = 0
    as_json: bool = False

    def info(self, text: str) -> None:
        """A line for people, hidden by --quiet."""
        if self.verbosity >= 0:
            self._to_stderr(text)

    def detail(self, text: str) -> None:
        """A line shown only by --verbose."""
        if self.verbosity >= 1:
            self._to_stderr(text)

    def notice(self, text: str) -> None:
        """Something done differently from what people may expect; hidden by --quiet."""
        self.info(f"note: {text}")

    def error(self, text: str) -> None:
        """A failure; always shown."""
        self._to_stderr(f"cliphaze: error: {text}")

    def result(self, document: Any) -> None:
        """The result for programs: printed as JSON on stdout, only with --json."""
        if self.as_json:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            self._to_stdout(json_text(document, encoding), "the JSON document")

    def answer(self, text: str) -> None:
        """A line of what people asked for, on stdout; hidden by --quiet and by --json."""
        if self.verbosity >= 0 and not self.as_json:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            line = _harmless(readable(without_credentials(text))).encode(encoding, "backslashreplace").decode(encoding)
            self._to_stdout(line, "the answer")

    @property
    def shows_progress(self) -> bool:
        """Whether a progress bar is welcome: a terminal, and neither --quiet nor --json."""
        return self.verbosity >= 0 and not self.as_json and sys.stderr is not None and sys.stderr.isatty()

    @staticmethod
    def _to_stdout(text: str, what: str) -> None:
        if sys.stdout is None:  # closed by whoever started this process
            raise CliphazeError(f"cannot write {what}: standard output is closed")
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader had enough: no failure to talk about
            raise
        except OSError as error:
            raise CliphazeError(f"cannot write {what} to standard output: {error.strerror}") from error

    @staticmethod
    def _to_stderr(text: str) -> None:
        # Work goes on when nobody can be told about it: no stderr, a full disk of logs, a pager that was closed.
        if sys.stderr is not None:
            with contextlib.suppress(OSError):
                sys.stderr.write(_harmless(readable(without_credentials(text))) + "\n")
                sys.stderr.flush()


def _harmless(text: str) -> str:
    """Text without what could command a terminal: names and contents of files get into messages."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)
