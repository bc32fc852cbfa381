"""Uploads do not outlive the server, however it ends."""

import os
import tempfile
from pathlib import Path

import pytest

from cliphaze_cli.web import folder
from cliphaze_cli.web.folder import uploads_folder

posix = pytest.mark.skipif(folder.fcntl is None, reason="this system has no locks that end with their process")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_it_is_gone_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), uploads_folder() as uploads:
        (uploads / "a").mkdir()
        (uploads / "a" / "photo.jpg").write_bytes(b"private")
        assert os.name == "nt" or uploads.stat().st_mode & 0o077 == 0
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@posix
def test_what_a_killed_server_left_is_removed_and_that_of_a_live_one_stays(tmp_path: Path) -> None:
    left = tmp_path / f"{folder.PREFIX}killed"
    left.mkdir()
    (left / "photo.jpg").write_bytes(b"private")
    with uploads_folder() as live, uploads_folder() as other:
        assert not left.exists()
        assert live.exists() and other.exists()


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "photo.jpg").write_bytes(b"wanted")
    (tmp_path / f"{folder.PREFIX}link").symlink_to(tmp_path / "photos")
    with uploads_folder():
        assert (tmp_path / "photos" / "photo.jpg").exists()
