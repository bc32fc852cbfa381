"""Changes in folders are told, whatever becomes of the folders."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cliphaze_cli.batch import watching
from cliphaze_cli.batch.watching import changes, require_watching
from cliphaze_cli.system.errors import UsageError

pytest.importorskip("watchfiles")
PATIENCE = 20.0  # seconds after which a test that would hang fails instead


class Watch:
    """A watch over a folder, and the lines that it told."""

    def __init__(self, folder: Path, *, recursive: bool = False) -> None:
        self.lines: list[str] = []
        self._ended = threading.Event()
        self._changes: Iterator[bool] = changes(
            [folder], recursive=recursive, ended=self._ended.is_set, notice=self.lines.append
        )

    def sees(self, ticks: int = 1000) -> bool:
        """Whether a change is told, within so many ticks."""
        deadline = time.monotonic() + PATIENCE
        for _ in range(ticks):
            if next(self._changes):
                return True
            assert time.monotonic() < deadline, "nothing happens"
        return False

    def ends(self) -> bool:
        self._ended.set()
        return next(self._changes, None) in (None, True) and next(self._changes, None) is None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_TICK", 0.05)
    monkeypatch.setattr(watching, "_POLL", 0.05)


@pytest.mark.parametrize("polling", ["", "true"])
def test_a_new_file_is_told_and_hidden_ones_are_not(
    tmp_path: Path, polling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", polling)  # as docs/commands.md says for network drives
    watch = Watch(tmp_path)
    watch.sees(4)
    (tmp_path / ".a.jpg.cliphaze-part").touch()
    assert polling or not watch.sees(6)  # polling sees that the folder itself changed
    (tmp_path / "a.jpg").touch()
    assert watch.sees()
    assert watch.ends() and watch.lines == []


@pytest.mark.parametrize("recursive", [False, True])
def test_sub_folders_are_watched_where_they_are_wanted(tmp_path: Path, recursive: bool) -> None:
    (tmp_path / "sub").mkdir()
    watch = Watch(tmp_path, recursive=recursive)
    watch.sees(4)
    (tmp_path / "sub/a.jpg").touch()
    assert watch.sees(20) == recursive


@pytest.mark.parametrize("polling", ["", "true"])
def test_a_folder_that_vanishes_is_watched_again_when_it_is_back(
    tmp_path: Path, polling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", polling)
    folder = tmp_path / "in"
    folder.mkdir()
    watch = Watch(folder)
    watch.sees(2)
    folder.rename(tmp_path / "gone")
    assert watch.sees()  # so that somebody looks, and finds that it is gone
    folder.mkdir()
    assert watch.sees()
    watch.sees(4)
    (folder / "a.jpg").touch()
    assert watch.sees() and watch.lines == []


def test_a_system_that_does_not_tell_of_changes_makes_everybody_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*folders: Path, **options: object) -> Iterator[set[object]]:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles.watch", refuse)
    watch = Watch(tmp_path)
    assert watch.sees(1) and watch.sees(1)
    (line,) = watch.lines
    assert "limit reached" in line and "looked through" in line


def test_without_the_library_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    require_watching()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install \"cliphaze\[watch\]\""):
        require_watching()
