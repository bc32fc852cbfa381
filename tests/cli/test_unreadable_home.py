"""A home whose cache of weights may not be read: the cache counts as absent, and one line says so to who asks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.dehazing import Dehaze, files_in, save
from tests.cli.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that this user may not read, whoever runs the tests."""
    cache = tmp_path / "home" / "hub"
    cache.mkdir(parents=True)
    real = {name: getattr(os, name) for name in ("scandir", "stat", "open")}

    def guarded(name: str) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            if isinstance(path, str | os.PathLike) and Path(path).is_relative_to(cache):
                raise PermissionError(13, "Permission denied", str(path))
            return real[name](path, *arguments, **options)

        return call

    for name in real:
        monkeypatch.setattr(os, name, guarded(name))
    monkeypatch.setattr("cliphaze_cli.hub.cache.cache_root", lambda cache_dir: cache_dir or cache)
    return cache


@pytest.fixture
def list_weights(cliphaze: Run) -> Run:
    """Run `cliphaze download-weights --list ARGUMENTS`."""
    return lambda *arguments: cliphaze("download-weights", "--list", *arguments)


def test_dehazing_works_and_says_it_to_who_asks_for_details(tmp_path: Path, dehaze: Dehaze, forbidden: Path) -> None:
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", "-v")
    assert result.code == 0 and files_in(tmp_path / "out") == ["a.png"]
    assert [line for line in result.err.splitlines() if "may not be read" in line] == [
        f"the cache of weights {forbidden} may not be read: what is in it counts as missing"
    ]
    assert "may not be read" not in dehaze("a.png", "out2").err


def test_a_clip_in_it_is_missing(tmp_path: Path, cliphaze: Run, forbidden: Path) -> None:
    save(tmp_path / "a.png")
    result = cliphaze("density", "a.png", "--no-download")
    assert result.code == 2 and "cliphaze download-weights" in result.err and result.err.count("\n") == 1


def test_the_list_of_weights(list_weights: Run, forbidden: Path) -> None:
    result = list_weights("--json")
    assert {one["state"] for one in result.document["weights"]} == {"embedded", "missing"}
    assert "may not be read" in result.err


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 300 + "/sub", "a-file/sub", "missing"])
def test_a_cache_that_cannot_be_is_an_absent_one(tmp_path: Path, list_weights: Run, name: str) -> None:
    (tmp_path / "a-file").touch()
    result = list_weights("--cache-dir", name)
    assert result.code == 0 and result.err == ""
    assert "embedded" in result.out and "missing" in result.out
