"""Where the haze is: two ways to a zero-shot density map, both on a coarse grid that covers the whole photo.

Shapes: H, W the photo; S side of the vision tower's square; ny, nx windows down and across; gh, gw cells of the map.
"""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.prior.preprocess import fitted_size, resized, resized_tensor
from cliphaze_cli.prior.scoring import PromptEmbeddings, p_hazy
from cliphaze_cli.system.errors import UsageError

if TYPE_CHECKING:
    from cliphaze_cli.prior.vision_tower import VisionTower

_CELLS_PER_WINDOW = 8  # map cells along the side of the smallest window
_SMALLEST_WINDOW = 0.25  # of S, in the photo's own pixels: below this a window is all interpolation
_FAINTEST = 1e-3  # weight at a window's rim: positive, since along the photo's border nothing else covers a cell


@dataclass(frozen=True)
class WindowOptions:
    """Sliding windows.

    fractions: window sides as parts of the photo's short side, one pyramid level each, coarse to fine. Levels whose
        windows would be too small, or more than `max_windows` in all, are left out; the first never is.
    overlap: of neighbouring windows, in [0, 1).
    batch_size: windows that go through the vision tower together.
    """

    fractions: tuple[float, ...] = (1.0, 1 / 2, 1 / 3)
    overlap: float = 0.5
    batch_size: int = 16
    max_windows: int = 160

    def __post_init__(self) -> None:
        if not self.fractions or not all(0 < each <= 1 for each in self.fractions):
            raise UsageError(f"window fractions must lie in (0, 1], not {self.fractions}")
        if not 0 <= self.overlap < 1:
            raise UsageError(f"window overlap must lie in [0, 1), not {self.overlap}")
        if self.batch_size < 1:
            raise UsageError(f"the batch size must be at least 1, not {self.batch_size}")


@dataclass(frozen=True)
class DenseOptions:
    """Patch tokens.

    patches: along the photo's short side (more if the tower was trained with more); the map has one cell each.
    """

    patches: int = 16

    def __post_init__(self) -> None:
        if self.patches < 1:
            raise UsageError(f"the map needs at least one patch a side, not {self.patches}")


@dataclass(frozen=True)
class _Level:
    """One pyramid level: the size the photo is brought to, so that windows of S pixels tile it evenly."""

    height: int
    width: int
    ny: int
    nx: int

    def windows(self, image: Tensor, side: int) -> Tensor:
        """Cut an image (1, 3, height, width) into windows (ny * nx, 3, S, S), row by row."""
        rows = image.unfold(2, side, _step(self.height, side, self.ny))  # (1, 3, ny, width, S)
        tiles = rows.unfold(3, side, _step(self.width, side, self.nx))  # (1, 3, ny, nx, S, S)
        return tiles[0].permute(1, 2, 0, 3, 4).reshape(self.ny * self.nx, 3, side, side)


def from_windows(
    tower: "VisionTower", pixels: NDArray[np.generic], texts: PromptEmbeddings, options: WindowOptions
) -> Tensor:
    """Return p(hazy), (gh, gw): every window's image embedding scored, averaged where windows overlap.

    Within a level windows are weighted by a raised cosine, so that none leaves an edge; levels count alike.
    """
    side = tower.image_size
    height, width = pixels.shape[:2]
    fractions, levels = _pyramid(height, width, side, options)
    cells_high, cells_wide = (max(1, round(n)) for n in fitted_size(height, width, _CELLS_PER_WINDOW / min(fractions)))
    finest = max(levels, key=lambda level: level.height * level.width)
    base = resized(pixels, finest.height, finest.width)
    total = torch.zeros(cells_high, cells_wide)
    for level in levels:
        windows = level.windows(resized_tensor(base, level.height, level.width), side)
        scores = p_hazy(tower.embed(windows, batch_size=options.batch_size), texts).reshape(level.ny, level.nx)
        down = _weights(level.height, side, level.ny, cells_high)  # (ny, gh)
        across = _weights(level.width, side, level.nx, cells_wide)  # (nx, gw)
        total += (down.T @ scores.cpu() @ across) / (down.sum(dim=0)[:, None] * across.sum(dim=0))
    return (total / len(levels)).clamp_(0.0, 1.0)


def from_tokens(
    tower: "VisionTower", pixels: NDArray[np.generic], texts: PromptEmbeddings, kind: str, options: DenseOptions
) -> Tensor:
    """Return p(hazy), (gh, gw), one cell a patch token; see `token_embeddings`."""
    return p_hazy(token_embeddings(tower, pixels, kind, options), texts)


def token_embeddings(tower: "VisionTower", pixels: NDArray[np.generic], kind: str, options: DenseOptions) -> Tensor:
    """Return embeddings of the photo's patches, (gh, gw, E); `kind` is "maskclip" or "surgery" (see `dense_tokens`).

    The tower must have tokens.
    """
    patch = tower.patch_size
    height, width = pixels.shape[:2]
    short = max(tower.image_size // patch, options.patches)
    rows, columns = (max(1, round(n)) for n in fitted_size(height, width, short))
    return tower.tokens(resized(pixels, rows * patch, columns * patch), kind)[0]


def whole_image_windows(pixels: NDArray[np.generic], side: int) -> Tensor:
    """Return windows (n, 3, S, S) in [0, 1] that together show the whole photo: S is its short side, resized."""
    height, width = pixels.shape[:2]
    level = _level(height, width, side, 1.0, overlap=0.0)
    return level.windows(resized(pixels, level.height, level.width), side)


def _pyramid(height: int, width: int, side: int, options: WindowOptions) -> tuple[list[float], list[_Level]]:
    fractions: list[float] = []
    levels: list[_Level] = []
    count = 0
    for fraction in sorted(options.fractions, reverse=True):
        level = _level(height, width, side, fraction, options.overlap)
        count += level.ny * level.nx
        too_small = fraction * min(height, width) < _SMALLEST_WINDOW * side
        if levels and (too_small or count > options.max_windows):
            break
        fractions.append(fraction)
        levels.append(level)
    return fractions, levels


def _level(height: int, width: int, side: int, fraction: float, overlap: float) -> _Level:
    rows, columns = fitted_size(height, width, side / fraction)
    (high, ny), (wide, nx) = _tiled(rows, side, overlap), _tiled(columns, side, overlap)
    return _Level(high, wide, ny, nx)


def _tiled(length: float, side: int, overlap: float) -> tuple[int, int]:
    """The nearest length that windows of `side` tile with equal whole steps, and how many windows that takes."""
    steps = ceil((length - side) / (side * (1 - overlap)) - 1e-6)
    if steps <= 0:
        return side, 1
    return side + steps * max(1, round((length - side) / steps)), steps + 1


def _step(length: int, side: int, count: int) -> int:
    return (length - side) // (count - 1) if count > 1 else side


def _weights(length: int, side: int, count: int, cells: int) -> Tensor:
    """(count, cells): how much each window's score counts at each cell's centre; 0 outside the window."""
    centres = (torch.arange(cells, dtype=torch.float64) + 0.5) * (length / cells)
    starts = torch.arange(count, dtype=torch.float64)[:, None] * _step(length, side, count)
    inside = (centres - starts) / side  # 0 to 1 across the window
    weights = torch.sin(torch.pi * inside).square() + _FAINTEST
    return torch.where((inside >= 0) & (inside <= 1), weights, torch.zeros_like(weights)).float()
