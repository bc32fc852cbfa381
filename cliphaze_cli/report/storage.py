"""Reports as files, .json or .csv by their ending: written whole or not at all, and kept up to date during a run.

Those that grow, .jsonl, are written by `lines.py` and read here."""

import contextlib
import csv
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.report import lines
from cliphaze_cli.report.document import FORMAT, Document
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.table import from_table, to_table
from cliphaze_cli.system.atomic_file import atomic_file, shown
from cliphaze_cli.system.errors import CliphazeError, ImageError, UsageError
from cliphaze_cli.system.small_file import read_small_file
from cliphaze_cli.system.text import one_line, readable

ENDINGS = (".json", ".csv", lines.ENDING)
MAX_BYTES = 1 << 30  # of a report that is read: a million photos
REFRESH_SECONDS = 10.0  # how old a report may be when the process is killed


def save(document: Document, path: Place, *, replace: bool = True) -> None:
    """Write a report, atomically. Raises ImageError, one line, where the system refuses; see `atomic_file`."""
    if isinstance(path, Remote):
        from cliphaze_cli.places.spool import private_folder
        from cliphaze_cli.places.transfer import put

        with private_folder() as folder:
            file = folder / f"report{path.suffix}"
            save(document, file)
            put(file, path, replace=replace)
        return
    with atomic_file(path, replace=replace) as sink:
        sink.write(_encoded(document, path))


def load(path: Place) -> Document:
    """Read a report; of one in CSV numbers are text. Raises UsageError where the file is none that this version reads.

    Nothing but the container's shape is checked: whoever uses a field has to expect anything in it.
    """
    try:
        # Bytes, as text mode changes line ends, and names may hold them.
        document = _parsed(_content(path).decode(), path)
        if not isinstance(document, dict) or not isinstance(document.get("files"), list):
            raise ValueError("it has no list of files")
        if not all(isinstance(record, dict) for record in document["files"]):
            raise ValueError("its files are no records")
    except ImageError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"cannot read the report {shown(path)}: {error.strerror}; check the path") from error
    except (ValueError, csv.Error, RecursionError) as error:
        raise UsageError(
            f"{shown(path)} is not a report of cliphaze ({one_line(str(error))}); give one that --report wrote"
        ) from error
    if (document["files"] or not _is_table(path)) and str(document.get("format")) != str(FORMAT):
        raise UsageError(
            f"{shown(path)} is a report of format {document.get('format')!r}, this cliphaze reads {FORMAT}: update it"
        )
    return document


class LiveReport:
    """A report that exists from the start of a run, with every file pending, and follows it: even a process that is
    killed leaves one, at most REFRESH_SECONDS (and the file in work) behind."""

    def __init__(
        self, path: Place, describe: Callable[[Sequence[FileResult]], Document], *, replace: bool = False
    ) -> None:
        """describe: the document, from the results so far. Raises ImageError if the file cannot be written, or is
        there and not to `replace`."""
        self._path, self._describe = path, describe
        self._results: list[FileResult] = []
        save(describe(()), path, replace=replace)
        self._due = time.monotonic() + REFRESH_SECONDS

    def add(self, result: FileResult) -> None:
        """Note a result; a disk that is full for now does not stop the run."""
        self._results.append(result)
        if time.monotonic() >= self._due:
            with contextlib.suppress(CliphazeError):
                self.save()

    def save(self, document: Document | None = None) -> None:
        """Bring the file up to date now, or replace it by a last document. Raises ImageError."""
        self._due = time.monotonic() + REFRESH_SECONDS
        save(self._describe(tuple(self._results)) if document is None else document, self._path)


def _content(path: Place) -> bytes:
    if isinstance(path, Path):
        return read_small_file(path, MAX_BYTES)
    from cliphaze_cli.places.spool import private_folder
    from cliphaze_cli.places.transfer import fetch

    with private_folder() as folder:
        fetch(path, folder / "report", max_bytes=MAX_BYTES)
        return read_small_file(folder / "report", MAX_BYTES)


def _parsed(text: str, path: Place) -> Document:
    if path.suffix.lower() == lines.ENDING:
        return lines.from_lines(text)
    document: Document = from_table(text) if _is_table(path) else json.loads(text)
    return document


def _is_table(path: Place) -> bool:
    return path.suffix.lower() == ".csv"


def _encoded(document: Document, path: Place) -> bytes:
    return (to_table(document) if _is_table(path) else json_text(document) + "\n").encode()


def json_text(document: object, encoding: str = "utf-8") -> str:
    """Return JSON for people too, in plain ASCII where `encoding` has not all of its characters, or where some command
    a terminal."""
    text = readable(json.dumps(document, indent=2, ensure_ascii=False))
    try:
        text.encode(encoding)
        harmless = text.replace("\n", "").isprintable()
    except UnicodeEncodeError:  # a file name outside the terminal's alphabet, or not text at all
        harmless = False
    return text if harmless else json.dumps(json.loads(text), indent=2).replace("\x7f", "\\u007f")
