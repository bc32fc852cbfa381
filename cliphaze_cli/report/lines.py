"""Reports that grow, FILE.jsonl: a line of JSON for the run, one for each photo as it is done, one for the end.

However many photos there are, nothing is kept in memory. A process that is killed leaves at most half a last line.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cliphaze_cli.report.document import Document, file_record
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.atomic_file import atomic_file, shown
from cliphaze_cli.system.errors import CliphazeError

ENDING = ".jsonl"
_SYNC_SECONDS = 10.0  # what a power cut may cost


class LineReport:
    """A report that is there from the start of a run, and gets a line for each photo."""

    def __init__(self, path: Path, run: Document, known: Iterable[FileResult] = (), *, replace: bool = False) -> None:
        """run: the first line. known: what is known of photos before any work.

        Raises ImageError if the file cannot be written, or is there and not to `replace`.
        """
        self._path, self._trouble = path, ""
        with atomic_file(path, replace=replace) as sink:
            sink.write(_line({name: value for name, value in run.items() if name != "files"}))
            for result in known:
                sink.write(_line(file_record(result)))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        self._synced = time.monotonic()

    def add(self, result: FileResult) -> None:
        """Add a photo; a disk that is full stops no run, and is told at its end."""
        self._write(_line(file_record(result)))
        if time.monotonic() > self._synced + _SYNC_SECONDS:
            with contextlib.suppress(OSError):
                os.fsync(self._file)
            self._synced = time.monotonic()

    def end(self, fields: Mapping[str, Any]) -> None:
        """Add the last line. Raises CliphazeError if not all of the report could be written."""
        self._write(_line(fields))
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        self.close()
        if self._trouble:
            raise CliphazeError(f"the report {shown(self._path)} is not complete: {self._trouble}")

    def close(self) -> None:
        """Leave it as it is."""
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)  # in one piece: no other program sees half a line for long
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            self._trouble = error.strerror or str(error)


def from_lines(text: str) -> Document:
    """The document of such a report; of one that a killed run left, half a last line is left out.

    Raises ValueError where the text is none.
    """
    lines = text.split("\n")
    whole, last = lines[:-1], lines[-1]
    records = [json.loads(line) for line in whole if line.strip()]
    if last.strip():
        with contextlib.suppress(ValueError):
            records.append(json.loads(last))
    if not records or not all(isinstance(record, dict) for record in records):
        raise ValueError("its lines are no records")
    files = [record for record in records[1:] if "source" in record]
    document: Document = dict(records[0])
    for record in records[1:]:
        if "source" not in record:
            document.update(record)
    return {**document, "files": files}


def _line(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record).replace("\x7f", "\\u007f") + "\n").encode()
