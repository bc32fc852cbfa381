"""What is known of a machine without importing PyTorch."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from cliphaze_cli.system import cpu


@pytest.mark.parametrize(
    ("wanted", "expected"), [("3", 3), ("5,2", 5), ("0", None), ("many", None), ("", None), (None, None)]
)
def test_cores_are_limited_as_pytorch_limits_them(
    monkeypatch: pytest.MonkeyPatch, wanted: str | None, expected: int | None
) -> None:
    if wanted is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert cpu.usable_cores() >= 1
    assert expected is None or cpu.usable_cores() == expected


def test_memory_is_what_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cpu.memory_bytes()
    assert found is not None
    assert 2**26 < found < 2**50
    monkeypatch.setattr(Path, "read_text", lambda self: "MemTotal: 9 kB\nMemAvailable:    1234 kB\n")
    assert cpu.memory_bytes() == 1234 * 1024


def test_a_device_that_is_named_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_may_have_gpu", lambda: pytest.fail("searched"))
    assert cpu.computes_on_cpu("cpu")
    assert not cpu.computes_on_cpu("cuda:1")
    assert not cpu.computes_on_cpu("mps")


@pytest.mark.parametrize("has_cuda", [False, True])
def test_where_there_may_be_a_gpu_pytorch_decides(monkeypatch: pytest.MonkeyPatch, has_cuda: bool) -> None:
    monkeypatch.setattr(cpu, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert cpu.computes_on_cpu("auto") == (not has_cuda)


@pytest.mark.skipif(sys.platform != "linux", reason="the files of Linux's drivers")
@pytest.mark.parametrize(
    ("version", "driver", "expected"),
    [("2.13.0+cpu", True, False), ("2.13.0", False, False), ("2.13.0", True, True), ("2.13.0+rocm7", True, True)],
)
def test_a_gpu_needs_a_build_for_it_and_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, driver: bool, expected: bool
) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: version)
    monkeypatch.setattr(cpu, "_DRIVERS", (str(tmp_path / "none"), str(tmp_path) if driver else "/nowhere"))
    assert cpu._may_have_gpu() == expected


def test_none_of_it_imports_pytorch_on_a_machine_with_its_cpu_build() -> None:
    program = (
        "import sys; from cliphaze_cli.system import cpu; cpu._may_have_gpu = lambda: False;"
        "assert cpu.computes_on_cpu('auto'); cpu.usable_cores(); cpu.memory_bytes();"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
