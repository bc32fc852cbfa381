"""The Triton kernel, run by Triton's interpreter on the CPU, against the definition."""

import os

import pytest
import torch

from cliphaze_cli.scan import triton_cuda
from tests.scan.reference import reference_scan
from tests.scan.test_cross_scan import image_inputs, reference
from tests.scan.test_selective_scan import TOLERANCES, scan_inputs

_problem = triton_cuda.KERNEL.unavailable_because() or (
    "" if os.environ.get("TRITON_INTERPRET") == "1" else "TRITON_INTERPRET is not 1"
)
pytestmark = pytest.mark.skipif(bool(_problem), reason=_problem)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """The interpreter is slow: chunks of a few positions, so that short sequences have several."""
    if not _problem:
        monkeypatch.setattr(triton_cuda.KERNEL.module, "CHUNK", 8)
        monkeypatch.setattr(triton_cuda.KERNEL.module, "MAX_CHANNELS", 4)


def assert_is_the_scan(u, delta, A, B, C, D=None, delta_bias=None, delta_softplus=False):
    options = (D, delta_bias, delta_softplus)
    y = triton_cuda.scan_sequences(u, delta, A, B, C, *options)
    assert y.dtype == u.dtype
    rtol, atol = TOLERANCES[u.dtype]
    torch.testing.assert_close(y.double(), reference_scan(u, delta, A, B, C, *options), rtol=rtol, atol=atol)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 25])
def test_any_length(length):
    assert_is_the_scan(*scan_inputs(length))


@pytest.mark.parametrize(("channels", "groups", "states"), [(1, 1, 1), (5, 1, 3), (6, 2, 8), (12, 3, 4)])
def test_channels_groups_and_states(channels, groups, states):
    assert_is_the_scan(*scan_inputs(19, channels, groups, states))


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("softplus", [False, True])
def test_options(skip, bias, softplus):
    D, delta_bias = torch.linspace(-1, 1, 4), torch.linspace(0.1, 0.4, 4)
    assert_is_the_scan(*scan_inputs(11), D if skip else None, delta_bias if bias else None, softplus)


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_precisions(dtype):
    D = torch.ones(4, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    assert_is_the_scan(*scan_inputs(20, dtype=dtype), D=D)


@pytest.mark.parametrize("rate", [1e-6, 30.0, 1e6])
def test_decays_from_none_at_all_to_underflow(rate):
    u, delta, A, B, C = scan_inputs(20)
    assert_is_the_scan(u, delta, rate * A, B, C)


def test_steps_of_any_size_before_their_softplus():
    u, delta, A, B, C = scan_inputs(20)
    assert_is_the_scan(u, torch.linspace(-110, 20, delta.numel()).view_as(delta), A, B, C, delta_softplus=True)


def test_non_contiguous_inputs():
    u, delta, A, B, C = scan_inputs(12)
    u, delta = (x.transpose(-1, -2).contiguous().transpose(-1, -2) for x in (u, delta))
    assert_is_the_scan(u, delta, A, B.flip(-1), C[:, :, :1].expand_as(B))


@pytest.mark.parametrize(
    ("size", "layout"),
    [((1, 1), torch.contiguous_format), ((3, 5), torch.channels_last), ((5, 2), torch.contiguous_format)],
)
def test_every_direction_of_an_image(size, layout):
    u, *others = image_inputs(size[0], size[1], channels=3, batch=1)
    y = triton_cuda.scan_image(u.contiguous(memory_format=layout), *others)
    torch.testing.assert_close(y.double(), reference(u, *others), rtol=6e-4, atol=2e-3)


def test_samples_of_a_batch_do_not_mix():
    inputs = image_inputs(2, 2, channels=5, states=1)
    torch.testing.assert_close(triton_cuda.scan_image(*inputs).double(), reference(*inputs), rtol=6e-4, atol=2e-3)


def test_it_runs_on_cuda_only():
    assert triton_cuda.unavailable_because(torch.device("cpu")) == "needs a CUDA device"
