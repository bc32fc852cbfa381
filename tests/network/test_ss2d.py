"""The Mamba path: the four reading orders, and SS2D on any size."""

import pytest
import torch
import torch.nn.functional as F

from cliphaze_cli.network.ss2d import SS2D
from cliphaze_cli.scan.directions import fold_directions, unfold_directions

PICTURE = torch.tensor([[1.0, 2, 3], [4, 5, 6]])


def test_the_four_orders():
    x = PICTURE.expand(1, 4, 1, 2, 3)
    assert unfold_directions(x)[0, :, 0].tolist() == [
        [1, 2, 3, 4, 5, 6],
        [6, 5, 4, 3, 2, 1],
        [1, 4, 2, 5, 3, 6],
        [6, 3, 5, 2, 4, 1],
    ]


def test_each_direction_reads_its_own_features():
    x = torch.randn(2, 4, 3, 5, 4)
    for k in range(4):
        same = x[:, k : k + 1].expand_as(x)
        assert torch.equal(unfold_directions(x)[:, k], unfold_directions(same)[:, k])


def test_folding_puts_every_position_back():
    x = PICTURE.expand(1, 4, 1, 2, 3)
    assert torch.equal(fold_directions(unfold_directions(x), 2, 3)[0, 0], 4 * PICTURE)


def test_folding_is_the_adjoint_of_unfolding():
    x, y = torch.randn(2, 4, 3, 5, 7).double(), torch.randn(2, 4, 3, 35).double()
    unfolded = (unfold_directions(x) * y).sum()
    # fold sums the four directions, so its adjoint partner is one picture read four times
    one = x[:, 0]
    read = unfold_directions(one[:, None].expand_as(x))
    torch.testing.assert_close((read * y).sum(), (one * fold_directions(y, 5, 7)).sum())
    parts = (fold_directions(y * (torch.arange(4) == k).view(4, 1, 1), 5, 7) for k in range(4))
    torch.testing.assert_close(unfolded, sum((x[:, k] * part).sum() for k, part in enumerate(parts)))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (8, 8)])
@pytest.mark.parametrize(("states", "reduction"), [(1, 1), (2, 2), (1, 4)])
def test_any_size_and_reduction(size, states, reduction):
    torch.manual_seed(0)
    path = SS2D(8, states, reduction)
    y = path(torch.randn(2, 8, *size))
    assert y.shape == (2, 8, *size) and y.isfinite().all()
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in path.parameters())


@pytest.mark.parametrize("reduction", [1, 2])
def test_it_looks_at_the_whole_picture(reduction):
    torch.manual_seed(0)
    x = torch.randn(1, 8, 9, 11, requires_grad=True)
    SS2D(8, 2, reduction)(x)[0, :, 4, 5].sum().backward()
    assert x.grad is not None and (x.grad.abs().sum(1) > 0).all()


def test_samples_of_a_batch_do_not_mix():
    torch.manual_seed(0)
    path, x = SS2D(8, 1, 2), torch.randn(2, 8, 5, 6)
    torch.testing.assert_close(path(x)[1:], path(x[1:]), rtol=1e-4, atol=1e-5)


def test_step_sizes_start_where_mamba_starts_them():
    steps = torch.nn.functional.softplus(SS2D(64, 1, 1).delta_bias.detach())
    assert steps.min() >= 0.99e-3 and steps.max() <= 1.01e-1 and steps.max() > 20 * steps.min()


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 3)])
@torch.no_grad()
def test_averaging_before_the_projection_is_averaging_after_it(size):
    torch.manual_seed(0)
    path, x = SS2D(8, 2, 2), torch.randn(2, 8, *size)
    u, gate = path.project_in(x).chunk(2, 1)
    y = path.norm(path._scan(F.silu(path.mix(F.avg_pool2d(u, 2, ceil_mode=True)))))
    expected = path.project_out(F.interpolate(y, size, mode="bilinear") * F.silu(gate))
    torch.testing.assert_close(path(x), expected, rtol=1e-4, atol=1e-5)
