"""Tiling and its inverse, and the two-pass recurrence on tiles."""

import pytest
import torch

from cliphaze_cli.scan.tiled import chunk_length, linear_scan_, tile, untile


@pytest.mark.parametrize("length", [1, 2, 12, 13, 16])
@pytest.mark.parametrize("chunk", [1, 4, 5])
def test_untile_undoes_tile(length, chunk):
    x = torch.randn(2, 3, length)
    tiles = tile(x, chunk)
    assert tiles.shape == (chunk, 2, -(-length // chunk), 3)
    assert torch.equal(untile(tiles, length), x)


def test_a_chunk_is_a_run_of_neighbours():
    assert tile(torch.arange(1.0, 8.0)[None], 3)[:, 0].T.tolist() == [[1, 2, 3], [4, 5, 6], [7, 0, 0]]


def test_steps_and_chunks_are_balanced():
    for length in (1, 2, 10, 1000, 196 * 196):
        chunk = chunk_length(length)
        assert chunk >= 1 and abs(chunk - -(-length // chunk)) <= 2


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("length", "chunk"), [(1, 1), (6, 3), (12, 4), (12, 12), (12, 1)])
def test_the_recurrence_crosses_chunk_borders(length, chunk, reverse):
    a, b = torch.rand(2, length, dtype=torch.float64), torch.randn(2, length, dtype=torch.float64)
    states = untile(linear_scan_(tile(a, chunk).clone(), tile(b, chunk).clone(), reverse), length)
    order = range(length - 1, -1, -1) if reverse else range(length)
    h = torch.zeros(2, dtype=torch.float64)
    for i in order:
        h = a[:, i] * h + b[:, i]
        torch.testing.assert_close(states[:, i], h)
