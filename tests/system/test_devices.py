"""Where and how precisely to compute."""

import cv2
import pytest
import torch

from cliphaze_cli.system.allocator import tune_allocator
from cliphaze_cli.system.devices import autocast, resolve_device, resolve_precision, use_cores
from cliphaze_cli.system.errors import UsageError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def machine(monkeypatch):
    """Pretend that this machine has so many CUDA devices, or MPS."""

    def pretend(cuda=0, mps=False, bf16=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: bf16)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda"), (2, True, "cuda")]
)
def test_auto_takes_the_fastest_device(machine, cuda, mps, expected):
    machine(cuda, mps)
    assert resolve_device().type == expected
    assert resolve_device(None).type == expected
    assert resolve_device("cpu") == resolve_device(CPU) == CPU


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "cuda:-1", "CPU", "meta", "xpu", "auto "])
def test_an_unknown_device(device):
    with pytest.raises(UsageError, match=r"unknown device .*use auto, cpu, cuda, cuda:N or mps"):
        resolve_device(device)


@pytest.mark.parametrize(("present", "asked"), [(0, "cuda"), (0, "cuda:0"), (1, "cuda:1"), (2, "cuda:7")])
def test_a_cuda_device_that_is_not_there(machine, present, asked):
    machine(cuda=present)
    with pytest.raises(UsageError, match=f"'{asked}' is not there .*{present} CUDA devices.*cpu"):
        resolve_device(asked)


def test_a_cuda_device_that_is_there(machine):
    machine(cuda=2)
    assert resolve_device("cuda:1") == torch.device("cuda:1")


def test_mps_that_is_not_there(machine):
    machine()
    with pytest.raises(UsageError, match="'mps' is not there"):
        resolve_device("mps")


def test_the_precision_that_a_device_is_good_at(machine):
    machine(cuda=1)
    assert resolve_precision("auto", CPU) == resolve_precision("auto", torch.device("mps")) == torch.float32
    assert resolve_precision("auto", CUDA) == torch.bfloat16
    machine(cuda=1, bf16=False)
    assert resolve_precision("auto", CUDA) == torch.float16
    assert resolve_precision("fp16", CUDA) == torch.float16
    assert resolve_precision("bf16", CPU) == torch.bfloat16


def test_half_precision_on_the_cpu_is_refused():
    with pytest.raises(UsageError, match="fp16 is unusably slow on a CPU; use"):
        resolve_precision("fp16", CPU)


@pytest.mark.parametrize("precision", ["float32", "", "int8", "FP32"])
def test_an_unknown_precision(precision):
    with pytest.raises(UsageError, match=r"unknown precision .*use auto, fp32, bf16, fp16"):
        resolve_precision(precision, CPU)


def test_autocast_lowers_the_precision_of_products_only_when_asked():
    x = torch.rand(4, 4)
    with autocast(CPU, torch.float32):
        assert (x @ x).dtype == torch.float32
    with autocast(CPU, torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16


def test_tuning_the_allocator_can_be_repeated():
    tune_allocator()
    tune_allocator()
    assert torch.ones(3_000_000).sum() == 3_000_000


def test_a_process_computes_with_its_share_of_the_cores():
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        use_cores(3)
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (3, 3)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
