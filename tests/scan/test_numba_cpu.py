"""The compiled CPU kernel: chosen where numba is, threads like PyTorch's, and PyTorch's scan where numba fails."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from cliphaze_cli.scan import cross_scan, dispatch, numba_cpu, selective_scan
from cliphaze_cli.system import optional_kernel
from tests.scan.test_cross_scan import image_inputs
from tests.scan.test_selective_scan import scan_inputs

needs_numba = pytest.mark.skipif(bool(numba_cpu.unavailable_because(torch.device("cpu"))), reason="needs numba")


@pytest.fixture
def failures(monkeypatch):
    """The failures of this process, none at first, and forgotten again."""
    found: list[str] = []
    monkeypatch.setattr(numba_cpu.KERNEL, "failures", found)
    return found


@needs_numba
def test_it_is_chosen_on_a_cpu_unless_gradients_are_wanted():
    assert dispatch.chosen("cpu") == "numba"
    assert dispatch.chosen("cpu", gradients=True) == "torch"
    assert numba_cpu.unavailable_because(torch.device("cuda")) == "needs a CPU"


@needs_numba
def test_gradients_go_through_pytorch():
    inputs = scan_inputs(9)
    for x in inputs:
        x.requires_grad_()
    selective_scan(*inputs).sum().backward()
    assert all(x.grad is not None for x in inputs)
    with pytest.raises(RuntimeError, match=r"'numba' has no backward pass.*use auto or torch"):
        selective_scan(*inputs, backend="numba")
    with torch.no_grad():
        selective_scan(*inputs, backend="numba")


@needs_numba
def test_threads_change_nothing():
    inputs = image_inputs(12, 9, channels=70)
    alone = cross_scan(*inputs, backend="numba")
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert torch.equal(cross_scan(*inputs, backend="numba"), alone)
        with ThreadPoolExecutor(3) as pool:  # several images at once, from several threads
            for y in pool.map(lambda _: cross_scan(*inputs, backend="numba"), range(6)):
                assert torch.equal(y, alone)
    finally:
        torch.set_num_threads(threads)


@needs_numba
@pytest.mark.parametrize("entry", ["scan", "cross_scan"])
def test_a_kernel_that_fails_is_replaced_for_good(entry, failures, monkeypatch, caplog):
    def broken(*_):
        raise OSError("cannot write the cache\ndetails")

    monkeypatch.setattr(numba_cpu, "_run", broken)
    run: Any = selective_scan if entry == "scan" else cross_scan
    inputs = scan_inputs(9) if entry == "scan" else image_inputs(4, 3)
    assert torch.equal(run(*inputs), run(*inputs, backend="torch"))
    assert failures == ["numba is not usable (OSError: cannot write the cache)"]
    assert "PyTorch runs instead" in caplog.text
    assert dispatch.chosen("cpu") == "torch"
    assert {x.name: x.reason for x in dispatch.backends("cpu")}["numba"] == failures[0]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'numba'", name="numba"), 'pip install "cliphaze[fast]"'),
        (ImportError("Numba needs NumPy 2.3 or less"), "ImportError: Numba needs NumPy 2.3 or less"),
        (SystemError(), "SystemError: "),
    ],
)
def test_a_numba_that_cannot_be_imported_says_why(error, said, failures, monkeypatch):
    def fail(_):
        raise error

    monkeypatch.setattr(optional_kernel.importlib, "import_module", fail)
    monkeypatch.setattr(numba_cpu.KERNEL, "_module", None)
    assert said in numba_cpu.unavailable_because(torch.device("cpu"))
    assert dispatch.chosen("cpu") == "torch"


def test_running_out_of_memory_is_not_the_kernels_fault(failures, monkeypatch):
    def no_room(*_):
        raise MemoryError

    with pytest.raises(MemoryError):
        numba_cpu.KERNEL.or_else(no_room, no_room)()
    assert not failures


SCAN_IN_A_PROCESS = """
import sys, torch
from cliphaze_cli.scan import dispatch, selective_scan
x = torch.ones(1, 1, 3)
y = selective_scan(x, x, torch.tensor([[-1.0]]), x[:, None], x[:, None])
sys.stdout.write(f"{dispatch.chosen('cpu')} {y.sum():.4f}")
"""


@needs_numba
@pytest.mark.slow  # compiles twice
def test_compiled_code_is_kept_and_does_without_where_it_cannot_be(tmp_path: Path):
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    said = []
    for cache in (tmp_path / "cache", nowhere / "cache"):  # the second can't be made
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
        child = subprocess.run(
            [sys.executable, "-c", SCAN_IN_A_PROCESS], env=environment, capture_output=True, text=True, check=True
        )
        said.append(child.stdout)
    assert said == ["numba 3.8711", said[0]]
    assert list((tmp_path / "cache").rglob("*.nbi"))
