"""--dry-run shows what would be done and what would be refused; it makes, writes, loads and fetches nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cliphaze_cli.report.storage import load
from tests.cli.dehazing import save
from tests.cli.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def dry(cliphaze: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with --dry-run, and assert that nothing in tmp_path has changed and no worker was asked for."""
    monkeypatch.setattr("cliphaze_cli.batch.pool.Pool", None)

    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))

    def run(*arguments: str) -> Outcome:
        before = state()
        result = cliphaze(*arguments, "--dry-run")
        assert state() == before
        return result

    return run


def shown(text: str) -> str:
    return text.replace("/", os.sep)


def test_people_read_what_becomes_what(tmp_path: Path, dry: Run) -> None:
    for name in ("a.jpg", "b.png", "sub/c.png", "d.png", "d.bmp"):
        save(tmp_path / "in" / name)
    (tmp_path / "in/clip.gif").write_bytes(b"any")
    save(tmp_path / "out/b.png")
    result = dry("dehaze", "in", "out", "-r", "--skip-existing", "--density", "--format", "png", "--report", "r.csv")
    assert result.err == ""
    first, *lines = result.out.splitlines()
    assert first == shown("in/a.jpg -> out/a.png, out/a.density.png, out/a.density-overlay.png")
    assert lines[0] == shown("skipped: in/b.png: out/b.png exists")
    assert lines[1].startswith(shown("in/d.bmp -> out/d.png, "))
    assert lines[2].startswith(shown("would fail: in/d.png: in/d.bmp is written to out/d"))
    assert lines[3].startswith(shown("in/sub/c.png -> out/sub/c.png"))
    assert lines[4:] == [
        "left out for their kind: 1 GIF",
        "3 would be dehazed, 1 skipped (outputs exist), 1 would fail, 1 left out for their kind",
    ]
    assert result.code == 1  # as of the run itself


def test_programs_read_it_too(tmp_path: Path, dry: Run) -> None:
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / name)
    save(tmp_path / "maps/b.density.png")
    result = dry("density", "a.jpg", "b.jpg", "-o", "maps", "--source", "model", "--overwrite", "--json")
    document = result.document
    assert (result.code, document["exit_status"], document["planned"], document["dry_run"]) == (0, 0, 2, True)
    first, second = document["files"]
    assert (first["source"], first["target"], first["status"]) == ("a.jpg", shown("maps/a.density.png"), "planned")
    assert first["density_files"] == [shown("maps/a.density-overlay.png")]
    assert (first["replaces"], second["replaces"]) == (False, True)
    assert document["settings"]["source"] == "model"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("dehaze", "in", "old"), "1 output exists already"),
        (("dehaze", "in", "in"), "is an input"),
        (("dehaze", "missing", "out"), "INPUT does not exist"),
        (("dehaze", "in", "a-file/out"), "a-file is not a folder"),
        (("dehaze", "in", "out", "--report", "r.txt"), "--report takes a name that ends in"),
        (("dehaze", "in", "out", "--model", "no-such"), "no weights are called"),
        (("dehaze", "in", "out", "--clip", "auto"), "cliphaze download-weights --clip ViT-B-32"),
        (("density", "in", "--no-download"), "cliphaze download-weights --clip ViT-B-32"),
        (("dehaze", "-", "out"), "--dry-run shows what becomes of files"),
    ],
)
def test_what_would_be_refused_before_work_is_refused(
    tmp_path: Path, dry: Run, arguments: tuple[str, ...], why: str
) -> None:
    save(tmp_path / "in/a.png")
    save(tmp_path / "old/a.png")
    (tmp_path / "a-file").touch()
    result = dry(*arguments)
    assert (result.code, result.out) == (2, "") and len(result.err.splitlines()) == 1
    assert why in result.err
    assert why in dry(*arguments, "--json").document["error"]


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, dry: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "in/a.png")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    result = dry("dehaze", "in", "new/out")
    assert result.code == 2 and "no permission to write in" in result.err


def test_a_clip_that_would_be_fetched_is_told(tmp_path: Path, dry: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliphaze_cli.cli.first_use.is_offline", lambda: False)
    monkeypatch.setattr("cliphaze_cli.hub.cache.cache_root", lambda cache_dir: tmp_path / "hub")
    save(tmp_path / "a.png")
    result = dry("density", "a.png", "--json")
    assert result.code == 0 and result.document["fetched"].startswith("ViT-B-32:")
    assert "ViT-B-32" in dry("density", "a.png").out.splitlines()[-2]


def test_a_folder_without_photos(tmp_path: Path, dry: Run) -> None:
    (tmp_path / "in").mkdir()
    assert dry("dehaze", "in", "out") == (0, "nothing to do: no images in in\n", "")


def test_what_a_retry_would_do(tmp_path: Path, dry: Run, dehaze: Run, doubling_weights: Path) -> None:
    save(tmp_path / "in/a.png")
    (tmp_path / "in/b.png").write_bytes(b"")
    assert dehaze("in", "out", "--report", "r.json").code == 1
    result = dry("dehaze", "--retry", "r.json", "--report", "r2.json")
    assert (result.code, result.out) == (0, shown("in/b.png -> out/b.png\n") + "1 would be dehazed\n")
    assert load(tmp_path / "r.json")["failed"] == 1


def test_pytorch_is_not_imported(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    code = (
        "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules or 'cv2' in sys.modules));"
        "from cliphaze_cli.cli.app import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "dehaze", "a.png", "out", "--density", "--dry-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert result.stdout.splitlines()[1:] == ["1 would be dehazed", "False"]
