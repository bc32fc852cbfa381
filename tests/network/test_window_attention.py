"""The Transformer path: windows of real tokens attend to themselves, and to nothing else."""

import pytest
import torch

from cliphaze_cli.network.window_attention import WindowAttention, partition, unpartition


def test_unpartition_undoes_partition():
    x = torch.randn(2, 3, 8, 12)
    windows = partition(x, 4)
    assert windows.shape == (2, 6, 16, 3)
    assert torch.equal(unpartition(windows, 2, 3), x)


def test_a_window_holds_a_square_of_neighbours_row_by_row():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert partition(x, 2)[0, :, :, 0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def attend_window_by_window(attention: WindowAttention, x: torch.Tensor) -> torch.Tensor:
    """The same result, made from the real tokens of one window at a time, without any padding or mask."""
    height, width = x.shape[-2:]
    window, shift = attention.window, attention.shift
    y = torch.empty_like(x)
    q, k, v = attention.qkv(x).chunk(3, 1)
    for top in range(-shift, height, window):
        for left in range(-shift, width, window):
            rows, columns = slice(max(top, 0), top + window), slice(max(left, 0), left + window)
            q1, k1, v1 = (z[:, :, rows, columns].flatten(2).mT for z in (q, k, v))  # (B, tokens, C)
            weights = (q1 @ k1.mT / x.shape[1] ** 0.5).softmax(-1)
            y[:, :, rows, columns] = (weights @ v1).mT.reshape(y[:, :, rows, columns].shape)
    return attention.project(y)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (1, 1), (3, 3), (5, 9), (7, 16), (13, 2), (12, 11)])
def test_padding_has_no_influence(size, shifted):
    torch.manual_seed(0)
    attention = WindowAttention(6, 4, shifted)
    x = torch.randn(2, 6, *size)
    torch.testing.assert_close(attention(x), attend_window_by_window(attention, x))


@pytest.mark.parametrize(("shifted", "seen"), [(False, range(4, 8)), (True, range(2, 6))])
def test_a_token_sees_its_own_window_only(shifted, seen):
    torch.manual_seed(0)
    attention = WindowAttention(6, 4, shifted)
    x = torch.randn(1, 6, 4, 12, requires_grad=True)
    attention(x)[0, :, 2, 5].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum((0, 1, 2)).nonzero().flatten().tolist() == list(seen)
