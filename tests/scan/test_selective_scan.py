"""`selective_scan` against its definition, whatever the lengths, groups, states and options."""

import functools

import pytest
import torch

from cliphaze_cli.scan import selective_scan
from cliphaze_cli.scan.dispatch import backends
from tests.scan.reference import reference_scan

TOLERANCES = {  # (relative, absolute), mamba-ssm's own
    torch.float64: (1e-10, 1e-12),
    torch.float32: (6e-4, 2e-3),
    torch.float16: (3e-3, 5e-3),
    torch.bfloat16: (3e-2, 5e-2),
}
CPU_BACKENDS = [status.name for status in backends("cpu") if status.available]


Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def scan_inputs(length, channels=4, groups=1, states=2, dtype=torch.float32, batch=2, seed=0) -> Inputs:
    """u, delta, A, B, C for a scan; delta positive, A negative."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    u = normal(batch, channels, length)
    delta = 0.5 * torch.rand(batch, channels, length, generator=g, dtype=torch.float64)
    A = -torch.exp(normal(channels, states))
    B, C = normal(batch, groups, states, length), normal(batch, groups, states, length)
    parameter_dtype = torch.float64 if dtype == torch.float64 else torch.float32  # as in mamba-ssm
    return u.to(dtype), delta.to(dtype), A.to(parameter_dtype), B.to(dtype), C.to(dtype)


def assert_is_the_scan(u, delta, A, B, C, backend="auto", **options):
    y = selective_scan(u, delta, A, B, C, **options, backend=backend)
    assert y.dtype == u.dtype
    rtol, atol = TOLERANCES[u.dtype]
    torch.testing.assert_close(y.double(), reference_scan(u, delta, A, B, C, **options), rtol=rtol, atol=atol)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("length", [1, 2, 3, 7, 15, 16, 17, 63, 64, 65, 100, 101, 997])
def test_any_length(length, backend):
    assert_is_the_scan(*scan_inputs(length), backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("states", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_states_and_groups(states, groups, backend):
    assert_is_the_scan(*scan_inputs(37, channels=8, groups=groups, states=states), backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("softplus", [False, True])
def test_options(skip, bias, softplus, backend):
    g = torch.Generator().manual_seed(1)
    options = {
        "D": torch.randn(4, generator=g) if skip else None,
        "delta_bias": torch.rand(4, generator=g) if bias else None,
        "delta_softplus": softplus,
    }
    assert_is_the_scan(*scan_inputs(29), **options, backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_precisions(dtype, backend):
    bias = torch.full((4,), 0.1, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    assert_is_the_scan(*scan_inputs(123, dtype=dtype), D=bias, delta_bias=bias, delta_softplus=True, backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("channels", [1, 31, 33, 70])
def test_any_number_of_channels(channels, backend):
    assert_is_the_scan(*scan_inputs(70, channels=channels, batch=3), backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("rate", [1e-6, 30.0, 1e3, 1e6])
def test_decays_from_none_at_all_to_underflow(rate, backend):
    u, delta, A, B, C = scan_inputs(90)
    assert_is_the_scan(u, delta, rate * A, B, C, backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_steps_of_any_size_before_their_softplus(backend):
    u, delta, A, B, C = scan_inputs(90)
    delta = torch.linspace(-110, 20, delta.numel()).view_as(delta)
    assert_is_the_scan(u, delta, A, B, C, delta_softplus=True, backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_a_long_sequence_in_bfloat16_keeps_its_state_in_float32(backend):
    # Slow decay and a constant input: a bfloat16 state would stop growing after a few hundred positions.
    u, delta = torch.ones(1, 1, 4096, dtype=torch.bfloat16), torch.full((1, 1, 4096), 2**-10, dtype=torch.bfloat16)
    A, ones = torch.tensor([[-0.01]]), torch.ones(1, 1, 1, 4096, dtype=torch.bfloat16)
    assert_is_the_scan(u, delta, A, ones, ones, backend=backend)


def test_one_group_may_come_without_its_axis():
    u, delta, A, B, C = scan_inputs(21)
    torch.testing.assert_close(selective_scan(u, delta, A, B[:, 0], C[:, 0]), selective_scan(u, delta, A, B, C))


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_non_contiguous_inputs(backend):
    u, delta, A, B, C = scan_inputs(24)
    u, delta = (x.transpose(-1, -2).contiguous().transpose(-1, -2) for x in (u, delta))
    assert_is_the_scan(u, delta, A, B.flip(-1), C[:, :, :1].expand_as(B), backend=backend)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_the_inputs_are_left_as_they_were(backend):
    inputs = (*scan_inputs(24), torch.ones(4), torch.ones(4))
    copies = [x.clone() for x in inputs]
    selective_scan(*inputs, delta_softplus=True, backend=backend)
    for x, copy in zip(inputs, copies, strict=True):
        assert torch.equal(x, copy)


@pytest.mark.parametrize("length", [1, 2, 5, 9, 11])
@pytest.mark.parametrize(("groups", "states"), [(1, 1), (2, 3)])
def test_gradients(length, groups, states):
    main = scan_inputs(length, groups=groups, states=states, dtype=torch.float64, batch=1)
    D, bias = torch.linspace(-1, 1, 4, dtype=torch.float64), torch.linspace(0.1, 0.4, 4, dtype=torch.float64)
    inputs = tuple(x.requires_grad_() for x in (*main, D, bias))
    assert torch.autograd.gradcheck(functools.partial(selective_scan, delta_softplus=True), inputs)


def test_float32_gradients_are_those_of_the_definition():
    inputs = scan_inputs(50, channels=6, groups=3)
    for x in inputs:
        x.requires_grad_()
    found = torch.autograd.grad(selective_scan(*inputs).square().sum(), inputs)
    expected = torch.autograd.grad(reference_scan(*inputs).square().sum(), inputs)
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-3, atol=1e-3)


def test_shapes_that_do_not_fit():
    u, delta, A, B, C = scan_inputs(10)
    for inputs in (
        (u, delta[..., 1:], A, B, C),
        (u, delta, A[1:], B, C),
        (u, delta, A, B[:, :, :1], C),
        (u, delta, A, B, C[1:]),
    ):
        with pytest.raises(ValueError, match="shapes do not fit"):
            selective_scan(*inputs)


def test_channels_must_divide_into_the_groups():
    u, delta, A, _, _ = scan_inputs(10, channels=4)
    B = torch.zeros(2, 3, 2, 10)
    with pytest.raises(ValueError, match="4 channels do not divide into 3 groups"):
        selective_scan(u, delta, A, B, B)
