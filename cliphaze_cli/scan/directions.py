"""The four directions of VMamba's cross-scan: along rows, rows backwards, columns, columns backwards."""

import torch
import torch.nn.functional as F
from torch import Tensor

DIRECTIONS = 4


def is_backward(k: int) -> bool:
    """Whether direction k runs from the last position to the first."""
    return k % 2 == 1


def along(k: int, x: Tensor) -> Tensor:
    """View (b, ..., H, W) as rows or columns run: (T, b, n, ...), T positions of n rows or columns; see `tiled`."""
    return x.movedim((-1, 0, -2) if k < 2 else (-2, 0, -1), (0, 1, 2))


def back_in_place(k: int, x: Tensor) -> Tensor:
    """The inverse of `along`, of (T, b, n, C)."""
    return x.permute(1, 3, 2, 0) if k < 2 else x.permute(1, 3, 0, 2)


def unfold_directions(x: Tensor) -> Tensor:
    """The cross-scan: (b, 4, C, H, W) -> (b, 4, C, L), direction k of the second axis read in its own order."""
    rows, columns = x[:, :2].flatten(3), x[:, 2:].transpose(3, 4).flatten(3)
    return torch.stack([rows[:, 0], rows[:, 1].flip(-1), columns[:, 0], columns[:, 1].flip(-1)], 1)


def fold_directions(y: Tensor, height: int, width: int) -> Tensor:
    """The cross-merge: put the four sequences (b, 4, C, L) back in place and sum them, (b, C, H, W)."""
    rows = (y[:, 0] + y[:, 1].flip(-1)).unflatten(-1, (height, width))
    columns = (y[:, 2] + y[:, 3].flip(-1)).unflatten(-1, (width, height))
    return rows + columns.transpose(2, 3)


def step_sizes(low_rank: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """delta before its softplus: (..., rank), (C, rank), (C,) -> (..., C)."""
    return F.linear(low_rank, weight, bias)
