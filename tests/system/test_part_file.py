"""What a killed run left is removed by the next one; what a live run is writing never is."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cliphaze_cli.system import part_file
from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.errors import OutputExistsError
from cliphaze_cli.system.part_file import PART_SUFFIX, create_part, remove_leftovers
from tests.imaging.samples import names_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks that end with a process are POSIX")


def leftover(folder: Path, name: str = f".a.png.0123abcd{PART_SUFFIX}") -> Path:
    (folder / name).write_bytes(b"half a photo")
    return folder / name


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    leftover(tmp_path)
    keep = [
        leftover(tmp_path, f"a{PART_SUFFIX}"),  # not hidden: none of ours
        leftover(tmp_path, ".a.png.part"),
        leftover(tmp_path, "a.png"),
    ]
    (tmp_path / f".folder{PART_SUFFIX}").mkdir()
    outside = leftover(tmp_path.parent, "outside")
    (tmp_path / f".link{PART_SUFFIX}").symlink_to(outside)
    os.mkfifo(tmp_path / f".pipe{PART_SUFFIX}")
    remove_leftovers(tmp_path)
    assert all(path.exists() for path in (*keep, outside))
    assert not (tmp_path / f".a.png.0123abcd{PART_SUFFIX}").exists()
    remove_leftovers(tmp_path / "gone")


def test_a_file_being_written_survives_the_start_of_another_run(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.png") as sink:
        sink.write(b"first half, ")
        remove_leftovers(tmp_path)
        sink.write(b"second half")
    assert (tmp_path / "a.png").read_bytes() == b"first half, second half"
    assert names_in(tmp_path) == ["a.png"]


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from cliphaze_cli.system.part_file import create_part;"
        "create_part(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.png")], env=environment, check=False, timeout=60)
    assert len(names_in(tmp_path)) == 1
    remove_leftovers(tmp_path)
    assert names_in(tmp_path) == []


def test_a_part_that_was_removed_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = os.open, []

    def open_and_lose(path: Path, *arguments: int) -> int:
        descriptor = real(path, *arguments)
        made.append(path)
        if len(made) == 1:
            os.unlink(path)  # noqa: PTH108 - as the other run does, between the opening and the lock
        return descriptor

    monkeypatch.setattr(part_file.os, "open", open_and_lose)
    part, descriptor = create_part(tmp_path / "a.png")
    os.close(descriptor)
    assert len(made) == 2
    assert part.exists()


def test_writers_and_removers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    stop = threading.Event()

    def remove() -> None:
        while not stop.is_set():
            remove_leftovers(tmp_path)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for index in range(150):
            with atomic_file(tmp_path / f"{index}.png") as sink:
                sink.write(b"whole")
    finally:
        stop.set()
        remover.join()
    assert len(names_in(tmp_path)) == 150
    assert all((tmp_path / name).read_bytes() == b"whole" for name in names_in(tmp_path))


def test_without_locks_only_old_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_file, "fcntl", None)
    old, young = leftover(tmp_path), leftover(tmp_path, f".b.png.0123abcd{PART_SUFFIX}")
    os.utime(old, (time.time() - 100_000,) * 2)
    remove_leftovers(tmp_path)
    assert names_in(tmp_path) == [young.name]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:  # as on FAT

        def refused(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "a.png"
    with atomic_file(path, replace=False) as sink:
        sink.write(b"mine")
    with pytest.raises(OutputExistsError, match="exists by now"), atomic_file(path, replace=False) as sink:
        sink.write(b"another's")
    assert path.read_bytes() == b"mine"
    with atomic_file(path, replace=True) as sink:
        sink.write(b"asked for")
    assert path.read_bytes() == b"asked for"
    assert names_in(tmp_path) == ["a.png"]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_link_that_leads_nowhere_is_not_followed_unless_replacing(tmp_path: Path, when: str) -> None:
    path, victim = tmp_path / "a.png", tmp_path / "victim"
    if when == "before":
        path.symlink_to(victim)
    with pytest.raises(OutputExistsError, match="exists by now"), atomic_file(path, replace=False) as sink:
        if when == "meanwhile":
            path.symlink_to(victim)
        sink.write(b"mine")
    assert names_in(tmp_path) == ["a.png"]
    with atomic_file(path) as sink:
        sink.write(b"asked for")
    assert path.is_symlink()
    assert victim.read_bytes() == b"asked for"


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        target = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
        events.append("folder" if Path(target).is_dir() else f"{Path(target).stat().st_size} bytes")
        fsync(descriptor)

    def renamed(part: Path, target: Path) -> Path:
        events.append("rename")
        return replace(part, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("what a descriptor stands for is told by Linux only")
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    with atomic_file(tmp_path / "a.png") as sink:
        sink.write(b"12345")
    assert events == ["5 bytes", "rename", "folder"]
