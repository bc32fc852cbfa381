"""Reports as files."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cliphaze_cli.report import storage
from cliphaze_cli.report.document import Document, Run
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.storage import LiveReport, load, save
from cliphaze_cli.system.errors import ImageError, UsageError

RESULTS = [
    FileResult(Path("a.jpg"), Path("out/a.jpg"), "done", size=(4, 3), seconds=0.5, source_bytes=10, target_bytes=20),
    FileResult(Path("b\r\n\udce9.jpg"), Path("out/b\r\n\udce9.jpg"), "failed", reason="damaged"),
]
RUN = Run("dehaze", {"strength": 1.0}, {"model": "tiny"})


@pytest.mark.parametrize("ending", ["json", "csv", "JSON"])
def test_a_report_comes_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report.{ending}"
    save(RUN.document(RESULTS, exit_status=1), path)
    found = load(path)
    assert [(each["source"], each["target"], each["status"], each["reason"]) for each in found["files"]] == [
        ("a.jpg", "out/a.jpg", "done", None),
        ("b\r\n\udce9.jpg", "out/b\r\n\udce9.jpg", "failed", "damaged"),
    ]
    assert (found["command"], found["settings"], found["model"]) == ("dehaze", {"strength": 1.0}, "tiny")
    assert str(found["exit_status"]) == "1"
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "3",
        '{"files": 3}',
        '{"files": [3]}',
        "[" * 100_000,
        '{"files": []}',
        '{"format": 99, "files": [{}]}',
        "source,format\na.jpg,99\n",
        "\0\1\2",
    ],
)
@pytest.mark.parametrize("ending", ["json", "csv"])
def test_what_is_no_report_is_refused_in_one_line(tmp_path: Path, content: str, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"is not a report|is a report of format") as error:
        load(path)
    assert len(str(error.value).splitlines()) == 1


def test_a_run_without_files_is_a_report(tmp_path: Path) -> None:
    for name in ("r.json", "r.csv"):
        save(RUN.document([], exit_status=0), tmp_path / name)
        assert load(tmp_path / name)["files"] == []


def test_bytes_that_are_no_text_and_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not a report"):
        load(tmp_path / "x.json")
    with pytest.raises(UsageError, match="cannot read the report"):
        load(tmp_path / "none.json")


def describe(results: Sequence[FileResult]) -> Document:
    return RUN.document(results)


def test_a_live_report_is_there_before_the_first_file_and_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    live = LiveReport(path, describe)
    assert json.loads(path.read_text())["files"] == []
    live.add(RESULTS[0])
    assert json.loads(path.read_text())["files"] == []  # not for every file: there may be 100,000
    monkeypatch.setattr(storage, "REFRESH_SECONDS", 0.0)
    with pytest.raises(ImageError, match="exists by now"):
        LiveReport(path, describe)
    live = LiveReport(path, describe, replace=True)
    for result in RESULTS:
        live.add(result)
    found = json.loads(path.read_text())
    assert [record["status"] for record in found["files"]] == ["done", "failed"]
    assert found["exit_status"] is None and found["ended"] is None


def test_a_live_report_must_be_writable_at_first_and_survives_trouble_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError, match="there is no folder"):
        LiveReport(tmp_path / "none" / "r.json", describe)
    monkeypatch.setattr(storage, "REFRESH_SECONDS", 0.0)
    (tmp_path / "sub").mkdir()
    live = LiveReport(tmp_path / "sub" / "r.json", describe)
    (tmp_path / "sub" / "r.json").unlink()
    (tmp_path / "sub").rmdir()
    live.add(RESULTS[0])  # a report that cannot be refreshed stops no batch
