"""Which backend runs, and what is said when the wanted one cannot."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

from cliphaze_cli.scan import dispatch, mamba_cuda, numba_cpu, selective_scan, triton_cuda
from tests.scan.test_selective_scan import scan_inputs

CUDA = torch.device("cuda")


def scan(backend: str) -> torch.Tensor:
    u, delta, A, B, C = scan_inputs(5)
    return selective_scan(u, delta, A, B, C, backend=backend)


@pytest.fixture
def fresh_probe() -> Iterator[None]:
    """The import of mamba-ssm is tried anew, and its result forgotten again."""
    mamba_cuda._import_error.cache_clear()
    yield
    mamba_cuda._import_error.cache_clear()


class FakeInterface(ModuleType):
    """Stands in for mamba_ssm.ops.selective_scan_interface."""

    def __init__(self) -> None:
        super().__init__("mamba_ssm.ops.selective_scan_interface")
        self.calls: list[tuple[tuple, dict]] = []

    def selective_scan_fn(self, *args, **options):
        self.calls.append((args, options))
        return args[0] + 1


@pytest.fixture
def fake_mamba(monkeypatch: pytest.MonkeyPatch, fresh_probe: None) -> FakeInterface:
    """A working mamba-ssm, as far as importing and calling it goes."""
    interface = FakeInterface()
    for name in ("selective_scan_cuda", "mamba_ssm", "mamba_ssm.ops"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    return interface


@pytest.fixture
def no_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if numba were not installed."""
    monkeypatch.setattr(numba_cpu.KERNEL, "failures", ["numba is not installed"])


def test_on_the_cpu_pure_torch_is_there_whatever_else_is(no_numba):
    assert dispatch.chosen("cpu") == "torch"
    statuses = {status.name: status for status in dispatch.backends("cpu")}
    assert not statuses["mamba-ssm"].available and "CUDA" in statuses["mamba-ssm"].reason
    assert statuses["torch"].available


def test_on_cuda_a_usable_mamba_ssm_comes_first(fake_mamba):
    assert dispatch.backends(CUDA)[0].name == "mamba-ssm"
    assert dispatch.chosen(CUDA) == "mamba-ssm"
    assert dispatch.chosen("cpu") != "mamba-ssm"


@pytest.fixture
def no_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if triton were not installed."""
    monkeypatch.setattr(triton_cuda.KERNEL, "failures", ["triton is not installed"])


def test_on_cuda_pure_torch_is_there_whatever_else_is(monkeypatch, fresh_probe, no_triton):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", None)
    assert dispatch.chosen(CUDA) == "torch"


def test_on_cuda_triton_comes_before_pure_torch_but_for_gradients(monkeypatch, fresh_probe):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", None)
    monkeypatch.setattr(triton_cuda.KERNEL, "failures", [])
    monkeypatch.setattr(triton_cuda.KERNEL, "_module", ModuleType("triton_kernel"))
    assert dispatch.chosen(CUDA) == "triton"
    assert dispatch.chosen(CUDA, gradients=True) == "torch"


@pytest.mark.parametrize("error", [OSError("libcudart.so.11: cannot open\nshared object"), RuntimeError()])
@pytest.mark.parametrize("broken", ["selective_scan_cuda", "mamba_ssm.ops.selective_scan_interface"])
def test_a_broken_mamba_ssm_counts_as_absent(error, broken, fake_mamba, no_triton, monkeypatch):
    real_import = mamba_cuda.importlib.import_module

    def import_module(name):
        if name == broken:
            raise error
        return real_import(name)

    monkeypatch.setattr(mamba_cuda.importlib, "import_module", import_module)
    assert dispatch.chosen(CUDA) == "torch"
    reason = dispatch.backends(CUDA)[0].reason
    assert type(error).__name__ in reason and "\n" not in reason


def test_an_unknown_backend_is_named_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"unknown scan backend 'cuda-magic'; choose auto or one of mamba-ssm, .*torch"
    ):
        scan("cuda-magic")


def test_a_backend_that_cannot_run_here_says_why():
    with pytest.raises(RuntimeError, match="'mamba-ssm' cannot run on cpu: needs a CUDA device"):
        scan("mamba-ssm")


def test_the_mamba_kernel_gets_float32_parameters_and_contiguous_inputs_of_one_dtype(fake_mamba):
    u, delta, A, B, C = scan_inputs(6, groups=2, dtype=torch.bfloat16)
    u, B = u.flip(-1).transpose(0, 1).contiguous().transpose(0, 1), B.float()
    D, bias = torch.ones(4, dtype=torch.bfloat16), torch.zeros(4, dtype=torch.bfloat16)
    y = mamba_cuda.scan(u, delta.float(), A.double(), B, C, D, bias, True)
    assert torch.equal(y, u + 1)
    ((args, options),) = fake_mamba.calls
    for passed, given in zip(args[:5], (u, delta, A, B, C), strict=True):
        assert passed.is_contiguous()
        torch.testing.assert_close(passed.float(), given.float(), rtol=0.01, atol=0.01)
    assert [x.dtype for x in args[:2] + args[3:5]] == [torch.bfloat16] * 4
    assert args[2].dtype == args[5].dtype == options["delta_bias"].dtype == torch.float32
    assert options["delta_softplus"] is True
    assert torch.equal(args[5], D.float()) and torch.equal(options["delta_bias"], bias.float())


def test_the_mamba_kernel_may_do_without_skip_and_bias(fake_mamba):
    u, delta, A, B, C = scan_inputs(6)
    mamba_cuda.scan(u, delta, A, B, C, None, None, False)
    ((args, options),) = fake_mamba.calls
    assert args[5] is None and options == {"delta_bias": None, "delta_softplus": False}
