"""Files fetched and put, by a store in memory: whole or not at all."""

import errno
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.places import filesystem
from cliphaze_cli.places.transfer import fetch, put
from cliphaze_cli.system.errors import ImageError, OutputExistsError
from tests.places import memory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"new")
    return path


def test_there_and_back(file: Path, tmp_path: Path) -> None:
    put(file, memory.place("out/a"), replace=False)
    assert fetch(memory.place("out/a"), tmp_path / "back", max_bytes=3) == 3
    assert (tmp_path / "back").read_bytes() == b"new" and memory.names() == ["out/a"]


def test_what_exists_is_kept_or_replaced(file: Path) -> None:
    target = memory.write("out/a", b"old")
    with pytest.raises(OutputExistsError, match="--overwrite replaces it"):
        put(file, target, replace=False)
    assert memory.memory().cat("/out/a") == b"old" and memory.names() == ["out/a"]
    put(file, target, replace=True)
    assert memory.memory().cat("/out/a") == b"new" and memory.names() == ["out/a"]


def test_a_put_that_fails_half_way_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def put_file(self: Any, local: str, path: str, **options: Any) -> None:
        self.pipe_file(path, b"ha")
        raise OSError(errno.EIO, "the line went dead")

    monkeypatch.setattr(type(memory.memory()), "put_file", put_file)
    with pytest.raises(ImageError, match=r"cannot write memory://out/a: .*the line went dead"):
        put(file, memory.place("out/a"), replace=True)
    assert memory.names() == []


@pytest.mark.parametrize("times", [2, 9])
def test_a_busy_store_is_asked_again(file: Path, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "_PAUSES", (0, 0, 0))
    asked = []
    real = type(memory.memory()).put_file

    def put_file(self: Any, *arguments: Any, **options: Any) -> None:
        asked.append(1)
        if len(asked) <= times:
            raise OSError(errno.EBUSY, "Slow down")
        real(self, *arguments, **options)

    monkeypatch.setattr(type(memory.memory()), "put_file", put_file)
    if times == 9:
        with pytest.raises(ImageError, match=r"busy .* also when asked again \(.*Slow down\)"):
            put(file, memory.place("a"), replace=True)
    else:
        put(file, memory.place("a"), replace=True)
    assert memory.names() == (["a"] if times < 9 else [])


def test_too_large_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = memory.write("a", b"1234")
    monkeypatch.setattr(type(memory.memory()), "get_file", None)
    with pytest.raises(ImageError, match="--max-megapixels"):
        fetch(source, tmp_path / "a", max_bytes=3)


def test_what_grows_while_it_is_fetched_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = memory.write("a", b"1234")
    monkeypatch.setattr(type(memory.memory()), "info", lambda self, path, **_: {"type": "file", "size": None})
    with pytest.raises(ImageError, match="--max-megapixels"):
        fetch(source, tmp_path / "a", max_bytes=3)


def test_a_folder_or_nothing_cannot_be_fetched(tmp_path: Path) -> None:
    memory.write("in/a")
    with pytest.raises(ImageError, match="it is a folder"):
        fetch(memory.place("in"), tmp_path / "a", max_bytes=9)
    with pytest.raises(ImageError, match="no such object"):
        fetch(memory.place("none"), tmp_path / "a", max_bytes=9)
