"""`cross_scan` against the definition: every direction laid out as a sequence of its own, scanned, and put back."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from cliphaze_cli.scan import cross_scan
from cliphaze_cli.scan.directions import fold_directions, unfold_directions
from cliphaze_cli.scan.dispatch import _cross_scan_of_sequences
from cliphaze_cli.scan.pure_torch import scan as scan_sequences
from tests.scan.reference import reference_scan
from tests.scan.test_selective_scan import CPU_BACKENDS


def image_inputs(height, width, channels=6, rank=3, states=2, batch=2, dtype=torch.float32) -> Any:
    """What `cross_scan` takes, in its order."""
    g = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)

    return (
        normal(batch, channels, height, width),
        normal(batch, 4, rank, height, width),
        normal(4, channels, rank),
        normal(4, channels) - 1,
        -normal(4, channels, states).exp(),
        normal(batch, 4, states, height, width),
        normal(batch, 4, states, height, width),
        normal(4, channels),
    )


def reference(u, low_rank, delta_weight, delta_bias, A, B, C, D):
    """The same in float64, position by position."""
    u, low_rank, delta_weight, delta_bias = (x.double() for x in (u, low_rank, delta_weight, delta_bias))
    delta = F.softplus(torch.einsum("kcr,bkrhw->bkchw", delta_weight, low_rank) + delta_bias[..., None, None])
    u_l, delta_l = (unfold_directions(x).flatten(1, 2) for x in (u[:, None].expand_as(delta), delta))
    y = reference_scan(u_l, delta_l, A.flatten(0, 1), unfold_directions(B), unfold_directions(C), D.flatten())
    return fold_directions(y.unflatten(1, (4, -1)), *u.shape[-2:])


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (4, 9), (17, 6)])
def test_every_direction(size, layout, backend):
    u, *others = image_inputs(*size)
    y = cross_scan(u.contiguous(memory_format=layout), *others, backend=backend)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y.double(), reference(u, *others), rtol=6e-4, atol=2e-3)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize(("channels", "rank", "states"), [(1, 1, 1), (33, 4, 4), (40, 12, 8)])
def test_channels_ranks_and_states(channels, rank, states, backend):
    inputs = image_inputs(9, 10, channels, rank, states, batch=1)
    y = cross_scan(*inputs, backend=backend)
    torch.testing.assert_close(y.double(), reference(*inputs), rtol=6e-4, atol=2e-3)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_blocks_shorter_than_a_row(backend, monkeypatch):
    monkeypatch.setattr("cliphaze_cli.scan.pure_torch.BLOCK_ELEMENTS", 200)
    inputs = image_inputs(11, 13)
    y = cross_scan(*inputs, backend=backend)
    torch.testing.assert_close(y.double(), reference(*inputs), rtol=6e-4, atol=2e-3)


def test_a_backend_of_sequences_is_given_each_direction_in_its_own_order():
    inputs = image_inputs(5, 8)
    y = _cross_scan_of_sequences(scan_sequences, *inputs)
    torch.testing.assert_close(y.double(), reference(*inputs), rtol=6e-4, atol=2e-3)


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_autocast_does_not_lower_the_precision(backend):
    inputs = image_inputs(6, 5)
    with torch.autocast("cpu", torch.bfloat16):
        y = cross_scan(*inputs, backend=backend)
    assert torch.equal(y, cross_scan(*inputs, backend=backend))


@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_half_precision_inputs_are_scanned_in_float32(backend):
    inputs = tuple(x.bfloat16() for x in image_inputs(6, 5))
    torch.testing.assert_close(cross_scan(*inputs, backend=backend).double(), reference(*inputs), rtol=6e-4, atol=2e-3)


def test_gradients_are_those_of_the_definition():
    inputs = tuple(x.requires_grad_() for x in image_inputs(5, 7))
    found = torch.autograd.grad(cross_scan(*inputs).square().sum(), inputs)
    expected = torch.autograd.grad(reference(*inputs).square().sum(), inputs)
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-3, atol=1e-2)
