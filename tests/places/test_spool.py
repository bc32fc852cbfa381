"""Private folders: gone after use, also after a kill."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cliphaze_cli.places.spool import private_folder, remove_abandoned
from cliphaze_cli.system.errors import CliphazeError
from tests.imaging.samples import names_in

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks are POSIX")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@posix
def test_nobody_else_may_look(tmp_path: Path) -> None:
    with private_folder() as folder:
        (folder / "photo").write_bytes(b"x")
        assert folder.parent == tmp_path and stat.S_IMODE(folder.stat().st_mode) == 0o700
        remove_abandoned()  # which another process may do at any moment
        assert (folder / "photo").exists()
    assert names_in(tmp_path) == []


def test_errors_leave_nothing_either(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), private_folder():
        raise ZeroDivisionError
    assert names_in(tmp_path) == []


@posix
def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    program = (
        "import os; from cliphaze_cli.places.spool import private_folder\n"
        "with private_folder() as folder: (folder / 'photo').touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (tmp_path / "cliphaze-photo-others").mkdir()  # just made, and not yet locked
    assert len(names_in(tmp_path)) == 2
    remove_abandoned()
    assert names_in(tmp_path) == ["cliphaze-photo-others"]


def test_no_place_for_them_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(CliphazeError, match="TMPDIR"), private_folder():
        pass
