"""The document as a CSV table: one row a file, what belongs to the whole run repeated in every row.

Every cell can be read back. Numbers, truth values, lists and objects are JSON; text is itself, except where a table
would damage it: text that a spreadsheet would take for a formula, that looks like JSON, or that cannot be printed
(control characters, bytes that are no text) is a JSON string, in quotes.
"""

import csv
import io
import json
from typing import Any

from cliphaze_cli.report.document import Document
from cliphaze_cli.system.text import readable

_NOT_AS_TEXT = ("=", "+", "-", "@", "\t", "\r", "\n", '"', "[", "{")
_JSON = ('"', "[", "{")


def to_table(document: Document) -> str:
    """Return the CSV text."""
    of_run = {name: value for name, value in document.items() if name != "files"}
    records = [{**record, **of_run} for record in document["files"]]
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(records[0] if records else of_run)
    rows.writerows([_cell(value) for value in record.values()] for record in records)
    return text.getvalue()


def from_table(text: str) -> Document:
    """Return the document of a CSV text: numbers are text in it, and what belongs to the run is also in each file.

    Raises ValueError or csv.Error where the text is no such table.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if "format" not in (rows.fieldnames or ()):
        raise ValueError("its heading is that of another table")
    files = [{name: _value(cell) for name, cell in row.items()} for row in rows]
    return {**(files[0] if files else {}), "files": files}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return _json(value)
    value = readable(value)
    return _json(value) if value.startswith(_NOT_AS_TEXT) or not value.isprintable() else value


def _json(value: Any) -> str:
    return json.dumps(value).replace("\x7f", "\\u007f")  # the one control character that json leaves as it is


def _value(cell: Any) -> Any:
    if not isinstance(cell, str):  # a row that is too short or too long
        raise ValueError("its rows have different numbers of cells")
    return json.loads(cell) if cell.startswith(_JSON) else cell or None
