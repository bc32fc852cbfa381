"""Where `ulimit -v` leaves too little memory, that is told instead of a crash."""

import sys
from typing import Any

import pytest

from cliphaze_cli.batch import worker
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import explain
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system import memory_limit
from cliphaze_cli.system.errors import UsageError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such a limit")


def limit(monkeypatch: pytest.MonkeyPatch, kilobytes: int | None) -> None:
    import resource

    size = resource.RLIM_INFINITY if kilobytes is None else kilobytes * 1024
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize(("kilobytes", "too_little"), [(None, False), (1_000_000, True), (2_500_000, False)])
def test_what_is_too_little(monkeypatch: pytest.MonkeyPatch, kilobytes: int | None, too_little: bool) -> None:
    limit(monkeypatch, kilobytes)
    refused = memory_limit.too_little_memory()
    assert (refused is not None) == too_little
    assert not too_little or f"too little memory (ulimit -v {kilobytes})" in str(refused)


@pytest.mark.parametrize(
    ("error", "is_sign"),
    [
        (None, True),
        (MemoryError(), True),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (ZeroDivisionError("nobody expects this"), False),
    ],
)
def test_what_a_limit_explains(monkeypatch: pytest.MonkeyPatch, error: Exception | None, is_sign: bool) -> None:
    limit(monkeypatch, 2_500_000)
    assert (memory_limit.refused_memory(error) is not None) == is_sign
    limit(monkeypatch, None)
    assert memory_limit.refused_memory(error) is None


def test_a_worker_that_gets_no_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(options: WorkOptions, notice: Any) -> Any:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    limit(monkeypatch, 2_500_000)
    options = WorkOptions(load, Settings(), "cpu", Limits())
    monkeypatch.setattr(worker, "_state", worker._State(options, 1, None, None), raising=False)
    worker._load()
    with pytest.raises(UsageError, match=r"too little memory \(ulimit -v 2500000\)"):
        worker.describe()


def test_photos_that_get_none_say_what_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    limit(monkeypatch, 2_500_000)
    full = cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 12331200 bytes")
    for error in (MemoryError(), full):
        assert "raise the limit on it (ulimit -v)" in explain(error)[0]
    limit(monkeypatch, None)
    assert "close other programs" in explain(full)[0]
