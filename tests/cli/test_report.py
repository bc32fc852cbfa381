"""`--report` and `--retry` through the entry point."""

import hashlib
import json
import os
import signal
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import pytest

from cliphaze_cli.report.storage import load
from cliphaze_cli.system import part_file
from tests.cli.batches import PATIENCE, make_photos, wait_for
from tests.cli.dehazing import Dehaze, files_in, level, save
from tests.cli.process import start

BAD = b"not an image"
PHOTOS = 15  # of a run that is interrupted


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three photos, of which b.png is broken."""
    for name in ("a.png", "c.png"):
        save(tmp_path / "in" / name)
    (tmp_path / "in/b.png").write_bytes(BAD)
    return tmp_path / "in"


def repair(photos: Path) -> None:
    save(photos / "b.png", 80)


def states(report: Path) -> dict[str, str]:
    return {Path(record["source"]).name: record["status"] for record in load(report)["files"]}


def test_a_report_proves_what_was_done(tmp_path: Path, dehaze: Dehaze, photos: Path, doubling_weights: Path) -> None:
    result = dehaze("in", "out", "--report", "out/r.json", "--json", "--device", "cpu")
    assert result.code == 1
    report = json.loads((tmp_path / "out/r.json").read_text())
    assert report == result.document  # one structure, not two
    assert (report["model"], report["device"], report["exit_status"]) == ("doubling", "cpu", 1)
    assert report["weights_sha256"] == hashlib.sha256(doubling_weights.read_bytes()).hexdigest()
    assert {"torch", "pillow", "cliphaze", "python"} <= report["versions"].keys()
    assert datetime.fromisoformat(report["started"]) <= datetime.fromisoformat(report["ended"])
    a, b, _ = report["files"]
    assert (a["source"], a["target"], a["status"]) == (str(Path("in/a.png")), str(Path("out/a.png")), "done")
    assert (a["width"], a["height"]) == (40, 30)
    assert a["source_bytes"] == (photos / "a.png").stat().st_size
    assert a["target_bytes"] == (tmp_path / "out/a.png").stat().st_size
    assert a["density_mean"] == pytest.approx(0.5, abs=1e-3) and a["seconds"] > 0
    assert (b["status"], b["target_bytes"]) == ("failed", None) and b["source_bytes"] == len(BAD)
    assert "b.png" in b["reason"]
    assert files_in(tmp_path / "out") == ["a.png", "c.png", "r.json"]


def test_a_table_holds_the_same(tmp_path: Path, dehaze: Dehaze, photos: Path) -> None:
    document = dehaze("in", "out", "--report", "r.csv", "--json").document
    table = load(tmp_path / "r.csv")
    assert [record["source"] for record in table["files"]] == [record["source"] for record in document["files"]]
    for name in ("model", "weights_sha256", "versions", "settings", "started", "ended"):
        assert table[name] == document[name]
    assert float(table["files"][0]["density_mean"]) == document["files"][0]["density_mean"]


@pytest.mark.parametrize("report", ["r.json", "r.csv", "r.jsonl"])
def test_retry_does_exactly_what_failed(tmp_path: Path, dehaze: Dehaze, photos: Path, report: str) -> None:
    assert dehaze("in", "out", "--report", report).code == 1
    repair(photos)
    os.utime(tmp_path / "out/a.png", (1, 1))
    result = dehaze("--retry", report, "--report", "second.json")
    assert result.code == 0, result.err
    assert level(tmp_path / "out/b.png") == pytest.approx(160, abs=1)
    assert (tmp_path / "out/a.png").stat().st_mtime == 1
    assert states(tmp_path / "second.json") == {"b.png": "done"}
    again = dehaze("--retry", "second.json")
    assert again.code == 0 and "nothing to do: the report tells of no failure" in again.err


def test_a_report_that_grows_holds_the_same_and_one_of_a_killed_run_is_taken_up(
    tmp_path: Path, dehaze: Dehaze, photos: Path
) -> None:
    document = dehaze("in", "out", "--report", "r.jsonl", "--json").document
    grown = load(tmp_path / "r.jsonl")
    assert sorted(grown.pop("files"), key=lambda each: each["source"]) == document.pop("files")
    assert grown == document
    lines = (tmp_path / "r.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "killed.jsonl").write_text("".join(lines[:-2]) + lines[-2][:20])
    repair(photos)
    result = dehaze("--retry", "killed.jsonl")
    assert result.code == 0 and "that run was killed" in result.err and "--skip-existing" in result.err
    assert files_in(tmp_path / "out") == ["a.png", "b.png", "c.png"]


def test_retry_maps_and_dehazes_as_the_first_run_did(
    tmp_path: Path, dehaze: Dehaze, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--strength", "0.5", "--density", "--format", "jpg", "--suffix", "_clear")
    assert dehaze("in", "out", *options, "--report", "r.json").code == 1
    repair(photos)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert dehaze("--retry", "../r.json", weights=None).code == 0
    assert {"b_clear.jpg", "b_clear.density.png"} <= set(files_in(tmp_path / "out"))
    assert level(tmp_path / "out/b_clear.jpg") == pytest.approx(120, abs=2)

    (tmp_path / "out/b_clear.jpg").unlink()
    again = dehaze("--retry", "../r.json", "--strength", "0", "--overwrite", weights=None)
    assert again.code == 0, again.err
    assert level(tmp_path / "out/b_clear.jpg") == pytest.approx(80, abs=2)  # what is given anew wins


def test_retry_says_when_the_weights_are_others(tmp_path: Path, dehaze: Dehaze, photos: Path) -> None:
    dehaze("in", "out", "--report", "r.json")
    repair(photos)
    text = (tmp_path / "r.json").read_text()
    sha256 = json.loads(text)["weights_sha256"]
    (tmp_path / "r.json").write_text(text.replace(sha256, "0" * 64))
    assert "are not those of the run that is retried" in dehaze("--retry", "r.json").err


def test_an_existing_output_of_a_retried_file_is_not_replaced_unasked(
    tmp_path: Path, dehaze: Dehaze, photos: Path
) -> None:
    dehaze("in", "out", "--report", "r.json")
    repair(photos)
    save(tmp_path / "out/b.png", 7)
    assert dehaze("--retry", "r.json").code == 2
    assert dehaze("--retry", "r.json", "--skip-existing").code == 0
    assert level(tmp_path / "out/b.png") == 7
    assert dehaze("--retry", "r.json", "--overwrite").code == 0
    assert level(tmp_path / "out/b.png") == pytest.approx(160, abs=1)


@pytest.mark.parametrize(
    ("report", "options", "complaint"),
    [
        ("r.txt", (), "ends in .json or .csv or .jsonl"),
        ("r", (), "ends in .json or .csv or .jsonl"),
        ("folder.json", (), "a folder of that name is in the way"),
        ("old.json", (), "exists already"),
        ("old.json", ("--skip-existing",), "exists already"),
        ("dangling.json", (), "exists already"),
        ("in/photo.json", ("--overwrite",), "would replace"),
        ("link.json", ("--overwrite",), "would replace"),
        ("hard.json", ("--overwrite",), "would replace"),
        ("WEIGHTS.json", ("--overwrite",), "would replace"),
        ("old.json/r.json", (), "cannot create the output folder"),
        ("/proc/r.json", (), "cannot "),
    ],
)
def test_a_report_that_cannot_be_or_would_lose_something_is_refused_before_work(
    tmp_path: Path, dehaze: Dehaze, doubling_weights: Path, report: str, options: tuple[str, ...], complaint: str
) -> None:
    save(tmp_path / "in/photo.json", format="PNG")  # an input by its content, whatever it is called
    save(tmp_path / "in/a.png")
    (tmp_path / "old.json").write_text("{}")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "dangling.json").symlink_to("nowhere.json")
    (tmp_path / "link.json").symlink_to("in/photo.json")
    os.link(tmp_path / "in/photo.json", tmp_path / "hard.json")
    weights = tmp_path / "weights.json"
    weights.write_bytes(doubling_weights.read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = dehaze("in/photo.json", "out/a.png", "--report", report, "--no-clip", *options, weights=weights)
    assert result.code == 2
    assert complaint in result.err and len(result.err.splitlines()) == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_report_that_is_retried_is_not_replaced(tmp_path: Path, dehaze: Dehaze, photos: Path) -> None:
    dehaze("in", "out", "--report", "r.json")
    before = (tmp_path / "r.json").read_bytes()
    result = dehaze("--retry", "r.json", "--report", "r.json", "--overwrite")
    assert result.code == 2 and "would replace r.json" in result.err
    assert (tmp_path / "r.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--retry", "r.json", "in", "out"), "leave INPUT"),
        (("--retry", "r.json", "--recursive"), "leave INPUT"),
        (("--retry", "r.json", "--format", "png"), "leave INPUT"),
        (("--retry", "none.json"), "cannot read the report"),
        (("--retry", "in/a.png"), "is not a report"),
        (("in",), "INPUT and OUTPUT are needed"),
        ((), "INPUT and OUTPUT are needed"),
    ],
)
def test_misuse_of_retry(
    tmp_path: Path, dehaze: Dehaze, photos: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    dehaze("in", "out", "--report", "r.json")
    result = dehaze(*arguments)
    assert result.code == 2
    assert complaint in result.err and len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"target": "/etc/passwd"}, "an output that is no JPEG"),
        ({"source": None}, "a file without a name"),
        ({"source": ["a"]}, "a file without a name"),
        ({"target": 3}, "a file without a name"),
    ],
)
def test_a_report_that_was_tampered_with(
    tmp_path: Path, dehaze: Dehaze, photos: Path, change: dict[str, Any], complaint: str
) -> None:
    dehaze("in", "out", "--report", "r.json")
    document = json.loads((tmp_path / "r.json").read_text())
    document["files"][1].update(change)
    (tmp_path / "r.json").write_text(json.dumps(document))
    result = dehaze("--retry", "r.json")
    assert result.code == 2
    assert complaint in result.err and len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    [{"settings": {"strength": 7}}, {"settings": {"resolution": "-1"}}, {"settings": 3}, {"command": "density"}],
)
def test_a_report_of_an_impossible_run(tmp_path: Path, dehaze: Dehaze, photos: Path, change: dict[str, Any]) -> None:
    dehaze("in", "out", "--report", "r.json")
    document = json.loads((tmp_path / "r.json").read_text())
    (tmp_path / "r.json").write_text(json.dumps({**document, **change}))
    result = dehaze("--retry", "r.json", weights=None)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1 and "Traceback" not in result.err


def test_a_report_of_nothing_to_do(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.png")
    assert dehaze("in", "out").code == 0
    assert dehaze("in", "out", "--skip-existing", "--report", "r.csv").code == 0
    assert states(tmp_path / "r.csv") == {"a.png": "skipped"}


def test_folders_that_cannot_be_listed_are_reported_and_not_retried(
    tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cliphaze_cli.batch import pairing
    from cliphaze_cli.batch.discover import Found

    save(tmp_path / "in/a.png")
    find = pairing.find_images

    def find_images(*arguments: Any, **options: Any) -> Any:
        yield from find(*arguments, **options)
        yield Found(PurePath(), unreadable=((Path("in/locked"), "Permission denied"),))

    monkeypatch.setattr(pairing, "find_images", find_images)
    assert dehaze("in", "out", "--report", "r.json").code == 1
    result = dehaze("--retry", "r.json")
    assert result.code == 0 and "could not be listed then" in result.err


def test_a_report_that_fails_at_the_end_is_said_and_the_photos_are_there(
    tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cliphaze_cli.cli import reporting
    from cliphaze_cli.system.errors import ImageError

    def full(*arguments: object) -> None:
        raise ImageError("cannot write r.json: no space left on the disk")

    save(tmp_path / "in/a.png")
    monkeypatch.setattr(reporting, "save", full)
    result = dehaze("in", "out", "--report", "r.json", "--json")
    assert result.code == 1 and result.document["exit_status"] == 1
    assert "no space left" in result.err
    assert files_in(tmp_path / "out") == ["a.png"]
    assert states(tmp_path / "r.json") == {"a.png": "pending"}  # the one from the start is still there


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_finished_by_retry(
    tmp_path: Path, dehaze: Dehaze, doubling_weights: Path, number: int
) -> None:
    make_photos(tmp_path / "in", PHOTOS, size=(400, 400))
    child = start("dehaze", "in", "out", "--weights", doubling_weights, "--report", "r.json", cwd=tmp_path)
    try:
        wait_for((tmp_path / "out/001.png").exists, child)
        child.send_signal(number)
        child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
    for leftover in tmp_path.rglob(f".*{part_file.PART_SUFFIX}"):
        leftover.unlink()
    report = load(tmp_path / "r.json")
    written = files_in(tmp_path / "out")
    assert len(report["files"]) == PHOTOS and 2 <= len(written) < PHOTOS
    if number == signal.SIGINT:
        assert (report["exit_status"], report["interrupted"]) == (130, True)
        assert [Path(each["source"]).name for each in report["files"] if each["status"] == "done"] == written
        assert dehaze("--retry", "r.json", "--report", "second.json").code == 0
        assert len(load(tmp_path / "second.json")["files"]) == PHOTOS - len(written)
    else:
        assert report["exit_status"] is None  # killed: the report says that the run had not ended
        before = {name: (tmp_path / "out" / name).stat().st_ino for name in written}
        assert dehaze("--retry", "r.json").code == 0
        assert {name: (tmp_path / "out" / name).stat().st_ino for name in written} == before
    assert files_in(tmp_path / "out") == [f"{index:03}.png" for index in range(PHOTOS)]
