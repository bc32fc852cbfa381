"""Below the least memory nothing is started: one line, exit code 2."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cliphaze_cli.batch import pool
from cliphaze_cli.system.errors import UsageError
from tests.batch.test_pool import posix, workers
from tests.cli.dehazing import save
from tests.cli.outcome import Outcome

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such a limit")


@linux
def test_one_line_and_nothing_is_made(
    tmp_path: Path, cliphaze: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1_000_000 * 1024,) * 2)
    save(tmp_path / "a.png")
    for command in (("dehaze", "a.png", "out"), ("density", "a.png", "--source", "model")):
        result = cliphaze(*command, "--json")
        assert result.code == 2 and result.err.count("\n") == 1
        assert "too little memory (ulimit -v 1000000)" in result.document["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]
    devices = cliphaze("info", "--json").document["devices"]
    assert "too little memory" in devices["error"]


@posix
def test_a_worker_that_dies_at_its_start_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = UsageError("too little memory (ulimit -v 2500000)")
    monkeypatch.setattr(pool, "refused_memory", lambda: refused)
    with pytest.raises(UsageError, match="too little memory"), workers(1, model="deadly"):
        pass
