"""Degrade the true haze density the way CLIP's map is degraded, so that any map source works at test time.

CLIP's map is coarse (one value a patch or window), of unknown tone, and noisy; often there is none at all.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from training.haze import Draw
from training.recipe import Instructed

ABSENT = -1.0
GRIDS = (5, 28)  # coarsest and finest grid, cells a side


def degraded_density(transmission: Tensor, instructed: Instructed, generator: Generator) -> Tensor:
    """(n, C, h, w) transmission -> density map (n, 1, h, w) in [0, 1], or ABSENT for samples that do without."""
    draw = Draw(transmission.shape[0], generator)
    true = 1 - transmission.mean(1, keepdim=True)
    density = torch.cat([_coarsen(one[None], generator) for one in true])
    density = _monotone_curve(density, draw)
    rows, columns = density.shape[-2:]
    noise = torch.randn(draw.n, 1, 12, 12, generator=generator) * draw.uniform(0, 0.12)
    density = (density + F.interpolate(noise, (rows, columns), mode="bilinear")).clamp(0, 1)
    density = torch.where(draw.chance(instructed.saturated), _saturated(density, draw), density)
    density = torch.where(draw.chance(instructed.useless), _useless(density, draw), density)
    return torch.where(draw.chance(instructed.present), density, ABSENT)


def _saturated(density: Tensor, draw: Draw) -> Tensor:
    """A softmax at temperature 100 leaves little between 0 and 1, and a bias takes either side of it."""
    return torch.sigmoid((density - draw.uniform(-0.2, 1.2)) * draw.log_uniform(5, 80))


def _useless(density: Tensor, draw: Draw) -> Tensor:
    """Maps that say nothing true, (n, 1, h, w), teach the network not to trust a map blindly: clouds, noise of few or
    many cells, a constant, a step, or the opposite of the truth; each saturated or not."""
    rows, columns = density.shape[-2:]
    cells = int(torch.randint(1, GRIDS[1] + 1, (1,), generator=draw.generator))
    noise = torch.rand(draw.n, 1, cells, cells, generator=draw.generator)
    noise = F.interpolate(noise, (rows, columns), mode="bilinear")
    constant = torch.where(draw.chance(0.5), draw.uniform(0, 1), draw.chance(0.5).float() * 0.94 + 0.03)
    angle = draw.uniform(0, 2 * math.pi)
    x, y = torch.linspace(-1, 1, columns).view(1, 1, 1, -1), torch.linspace(-1, 1, rows).view(1, 1, -1, 1)
    beyond = x * angle.cos() + y * angle.sin() > draw.uniform(-0.7, 0.7)
    step = torch.where(beyond, draw.uniform(0, 1), draw.uniform(0, 1))
    maps = torch.stack([draw.fractal(rows, columns), noise, constant.expand_as(density), step, 1 - density])
    chosen = maps[torch.randint(len(maps), (draw.n,), generator=draw.generator), torch.arange(draw.n)]
    return torch.where(draw.chance(0.3), _saturated(chosen, draw), chosen)


def _coarsen(density: Tensor, generator: Generator) -> Tensor:
    cells = int(torch.randint(GRIDS[0], GRIDS[1] + 1, (1,), generator=generator))
    return F.interpolate(F.adaptive_avg_pool2d(density, cells), density.shape[-2:], mode="bilinear")


def _monotone_curve(x: Tensor, draw: Draw) -> Tensor:
    """A random increasing curve of [0, 1] into itself: gamma, then a random range."""
    low, high = draw.uniform(0, 0.3), draw.uniform(0.6, 1)
    return low + (high - low) * x.clamp_min(1e-4) ** draw.log_uniform(0.4, 2.5)
