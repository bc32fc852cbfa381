"""Disks that are full or read-only: what is written is whole, what is not is told, and a later run makes it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.system.errors import ImageError
from tests.cli.batches import assert_whole, make_photos
from tests.cli.dehazing import Dehaze, files_in

SMALL, LARGE = 2 << 20, 32 << 20  # bytes: too small for ten photos of 400 x 300 noise, and large enough


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk in memory, mounted at tmp_path/out."""
    folder = tmp_path / "out"
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk can be mounted by root on Linux only: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=60)


def test_a_full_disk(tmp_path: Path, dehaze: Dehaze, disk: Path) -> None:
    names = make_photos(tmp_path / "in", 10, size=(400, 300))
    result = dehaze("in", "out", "--json")
    assert result.code == 1
    written = assert_whole(disk, tmp_path / "in")
    assert 0 < len(written) < len(names)
    by_status = {status: [] for status in ("done", "failed")}  # type: dict[str, list[str]]
    for record in result.document["files"]:
        by_status[record["status"]].append(Path(record["source"]).name)
        assert record["status"] == "done" or "no space left on the disk" in record["reason"]
    assert by_status == {"done": written, "failed": sorted(set(names) - set(written))}

    mount("-o", f"remount,size={LARGE}", str(disk))
    assert dehaze("in", "out", "--skip-existing").code == 0
    assert assert_whole(disk, tmp_path / "in") == names


def test_a_full_disk_keeps_the_outputs_that_were_to_be_replaced(tmp_path: Path, dehaze: Dehaze, disk: Path) -> None:
    names = make_photos(tmp_path / "in", 4, size=(400, 300))
    assert dehaze("in", "out").code == 0
    (disk / "filler").write_bytes(bytes(SMALL - sum((disk / name).stat().st_size for name in names) - (200 << 10)))
    assert dehaze("in", "out", "--overwrite").code == 1
    (disk / "filler").unlink()
    assert assert_whole(disk, tmp_path / "in") == names


def test_a_disk_for_reading_only_is_told_before_the_work(tmp_path: Path, dehaze: Dehaze, disk: Path) -> None:
    make_photos(tmp_path / "in", 2)
    mount("-o", "remount,ro", str(disk))
    result = dehaze("in", "out")
    assert result.code == 2
    assert "read-only disk" in result.err
    assert len(result.err.splitlines()) <= 2


def test_a_disk_that_becomes_read_only_under_way(
    tmp_path: Path, dehaze: Dehaze, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = make_photos(tmp_path / "in", 8)
    real = files.read

    def reading(path: Path, **options: Any) -> Photo:
        photo = real(path, **options)
        while path.name == names[-1]:
            with contextlib.suppress(subprocess.CalledProcessError):  # busy: a photo is being written
                mount("-o", "remount,ro", str(disk))
                break
        return photo

    monkeypatch.setattr(files, "read", reading)
    result = dehaze("in", "out", "--json")
    assert result.code == 1
    failed = [record for record in result.document["files"] if record["status"] == "failed"]
    assert failed and all("read-only disk" in record["reason"] for record in failed)
    written = assert_whole(disk, tmp_path / "in", leftovers=True)
    assert len(written) + len(failed) == len(names)

    monkeypatch.setattr(files, "read", real)
    mount("-o", "remount,rw", str(disk))
    assert dehaze("in", "out", "--skip-existing").code == 0
    assert assert_whole(disk, tmp_path / "in") == names


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".webp", ".bmp", ".avif", ".heic"])
def test_a_limit_on_the_size_of_files(tmp_path: Path, extension: str) -> None:
    """The same for everybody who may mount nothing: the system ends the write in the middle."""
    import resource

    make_photos(tmp_path, 1)
    photo = read(tmp_path / "000.png")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(ImageError, match="no space left"):
            write(photo, tmp_path / f"out{extension}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files_in(tmp_path) == ["000.png"]
