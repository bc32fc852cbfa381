"""Reports as CSV: whatever a file is called, the table holds it, and a spreadsheet runs none of it."""

import csv
import io

import pytest

from cliphaze_cli.report.table import from_table, to_table

HARD = [
    "plain.jpg",
    "=HYPERLINK(1).jpg",
    "+1.jpg",
    "-rf.jpg",
    "@SUM.jpg",
    "\tx.jpg",
    'say "hi", twice.jpg',
    '"quoted".jpg',
    "[1].jpg",
    "{a}.jpg",
    "two\nlines\r.jpg",
    "caf\u00e9 \U0001f32b.jpg",
    "latin-1 \udce9.jpg",
    "a;b,c.jpg",
    "a\x1b[2J\x7f\x9b.jpg",
    "null",
    "true",
    "1.5",
    " ",
]


def document(*sources: str) -> dict:
    files = [{"source": source, "target": None, "seconds": 1.25, "notices": ["a, b", source]} for source in sources]
    return {"format": 1, "directory": "/photos", "settings": {"strength": 0.5, "clip": None}, "files": files}


def test_text_lists_and_objects_come_back() -> None:
    text = to_table(document(*HARD))
    text.encode()  # valid, whatever bytes a name holds
    found = from_table(text)
    assert [record["source"] for record in found["files"]] == HARD
    assert [record["notices"] for record in found["files"]] == [["a, b", source] for source in HARD]
    assert {record["target"] for record in found["files"]} == {None}
    assert found["settings"] == {"strength": 0.5, "clip": None}
    assert (found["directory"], found["format"]) == ("/photos", "1")


def test_no_cell_is_a_formula() -> None:
    cells = [cell for row in csv.reader(io.StringIO(to_table(document(*HARD)), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_no_cell_commands_a_terminal() -> None:
    assert to_table(document(*HARD)).replace("\n", "").isprintable()


def test_a_table_without_files_has_only_its_heading() -> None:
    assert from_table(to_table(document()))["files"] == []


@pytest.mark.parametrize("text", ["source,target\na\n", "source,target\na,b,c\n", 'source\n"{"\n'])
def test_damaged_tables_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_table(text)
