"""Reports that grow with every photo."""

import json
from pathlib import Path

import pytest

from cliphaze_cli.report.document import Run, ending
from cliphaze_cli.report.lines import LineReport
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.storage import load
from cliphaze_cli.system.errors import CliphazeError, ImageError, UsageError

RUN = Run("dehaze", {"strength": 0.5}, {"model": "tiny"})
RESULTS = [
    FileResult(Path("a.jpg"), Path("out/a.jpg"), "done", size=(4, 3)),
    FileResult(Path("b\r\n\udce9\x7f.jpg"), Path("out/b\r\n\udce9\x7f.jpg"), "failed", reason="damaged"),
]


def written(path: Path) -> LineReport:
    report = LineReport(path, RUN.document(()))
    for result in RESULTS:
        report.add(result)
    return report


def test_every_photo_is_a_line_as_soon_as_it_is_done(tmp_path: Path) -> None:
    report = written(tmp_path / "r.jsonl")
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    assert len(lines) == 3 and all(isinstance(json.loads(line), dict) for line in lines)
    report.end(ending(RUN.document((), exit_status=1), {"done": 1, "failed": 1}))
    found = load(tmp_path / "r.jsonl")
    assert [(each["source"], each["status"]) for each in found["files"]] == [
        ("a.jpg", "done"),
        ("b\r\n\udce9\x7f.jpg", "failed"),
    ]
    assert (found["settings"], found["exit_status"], found["done"], found["failed"]) == ({"strength": 0.5}, 1, 1, 1)
    assert found["ended"]


def test_a_report_cut_anywhere_after_its_first_line_is_read_up_to_there(tmp_path: Path) -> None:
    written(tmp_path / "r.jsonl").end({"exit_status": 1})
    content = (tmp_path / "r.jsonl").read_bytes()
    first = content.index(b"\n") + 1
    whole = [line.rstrip(b"\n") for line in content.splitlines(keepends=True)]
    for size in range(first, len(content)):
        (tmp_path / "cut.jsonl").write_bytes(content[:size])
        found = load(tmp_path / "cut.jsonl")
        complete = sum(size >= sum(len(line) + 1 for line in whole[: count + 1]) - 1 for count in (1, 2))
        assert len(found["files"]) == complete
    for size in range(first - 1):
        (tmp_path / "cut.jsonl").write_bytes(content[:size])
        with pytest.raises(UsageError, match="is not a report"):
            load(tmp_path / "cut.jsonl")


@pytest.mark.parametrize("text", ["3\n", '{"format": 1}\n{"sour\n{"source": "b"}\n', '{"format": 1}\n[]\n'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.jsonl").write_text(text)
    with pytest.raises(UsageError, match="is not a report"):
        load(tmp_path / "r.jsonl")


def test_it_replaces_nothing_unasked_and_a_full_disk_is_told_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    report = written(path)
    with pytest.raises(ImageError, match="exists by now"):
        LineReport(path, RUN.document(()))
    report.close()
    with path.open("rb") as unwritable:  # as a disk that takes no more
        report._file = unwritable.fileno()
        report.add(RESULTS[0])
        report.close = lambda: None  # type: ignore[method-assign]
        with pytest.raises(CliphazeError, match="not complete"):
            report.end({})
