"""Degrade the true haze density the way CLIP's map is degraded, so that any map source works at test time.

CLIP's map is coarse (one value a patch or window), of unknown tone, and noisy; often there is none at all.
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from training.haze import Draw
from training.recipe import Instructed

ABSENT = -1.0
GRIDS = (5, 28)  # coarsest and finest grid, cells a side


def degraded_density(transmission: Tensor, instructed: Instructed, generator: Generator) -> Tensor:
    """(n, 1, h, w) transmission -> density map in [0, 1], or ABSENT for the samples that shall do without."""
    draw = Draw(transmission.shape[0], generator)
    density = torch.cat([_coarsen(1 - t[None], generator) for t in transmission])
    density = _monotone_curve(density, draw)
    rows, columns = density.shape[-2:]
    noise = torch.randn(draw.n, 1, 12, 12, generator=generator) * draw.uniform(0, 0.12)
    density = (density + F.interpolate(noise, (rows, columns), mode="bilinear")).clamp(0, 1)
    density = torch.where(draw.chance(instructed.useless), _useless(rows, columns, draw), density)
    return torch.where(draw.chance(instructed.present), density, ABSENT)


def _useless(rows: int, columns: int, draw: Draw) -> Tensor:
    """Wrong maps now and then teach the network not to trust a map blindly: clouds, or noise of few or many cells."""
    cells = int(torch.randint(1, GRIDS[1] + 1, (1,), generator=draw.generator))
    noise = torch.rand(draw.n, 1, cells, cells, generator=draw.generator)
    noise = F.interpolate(noise, (rows, columns), mode="bilinear")
    return torch.where(draw.chance(0.5), draw.fractal(rows, columns), noise)


def _coarsen(density: Tensor, generator: Generator) -> Tensor:
    cells = int(torch.randint(GRIDS[0], GRIDS[1] + 1, (1,), generator=generator))
    return F.interpolate(F.adaptive_avg_pool2d(density, cells), density.shape[-2:], mode="bilinear")


def _monotone_curve(x: Tensor, draw: Draw) -> Tensor:
    """A random increasing curve of [0, 1] into itself: gamma, then a random range."""
    low, high = draw.uniform(0, 0.3), draw.uniform(0.6, 1)
    return low + (high - low) * x.clamp_min(1e-4) ** draw.log_uniform(0.4, 2.5)
