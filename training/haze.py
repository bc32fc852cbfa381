"""Synthetic haze on clean photos: I = c J t + A (1 - t), with t = exp(-tau); c is 1 but for dim haze.

Each sample draws its optical depth tau from one of five kinds, because one kind teaches one kind only: outdoor haze
that follows depth, dense haze that covers near things too, smoke, light haze, and none at all.

Glossary: n samples, U(a, b) uniform; everything (n, C, h, w), photos and t in [0, 1].
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

KINDS = {"outdoor": 0.34, "dense": 0.3, "smoke": 0.16, "light": 0.11, "none": 0.09}
MIN_TRANSMISSION = 0.05
DIM = 0.35  # share of haze that is darker than the scene's highlights, as in rooms and at dusk
CASTS = ((0.0, 0.0, 0.0), (-0.06, 0.0, 0.06), (0.06, 0.0, -0.09))  # neutral; blue smoke and distance; dust
CAST_SHARES = (0.78, 0.14, 0.08)


@dataclass(frozen=True)
class Haze:
    """A batch of synthesised haze: I = c J t + A (1 - t).

    `hazy` I, (n, 3, h, w); `transmission` t, (n, 1, h, w); `airlight` A, (n, 3, h, w); `illumination` c, (n, 1, 1, 1).
    """

    hazy: Tensor
    transmission: Tensor
    airlight: Tensor
    illumination: Tensor


def add_haze(clear: Tensor, depth: Tensor, generator: Generator) -> Haze:
    """Draw a haze for each sample.

    Args:
        clear: J, (n, 3, h, w) in [0, 1].
        depth: relative depth, (n, 1, h, w) in [0, 1], 1 is far.
    """
    draw = Draw(clear.shape[0], generator)
    transmission = torch.exp(-_optical_depth(depth, draw)).clamp_min(MIN_TRANSMISSION)
    dim = draw.chance(DIM)
    airlight = _airlight(clear.shape[-2:], dim, draw)
    illumination = _illumination(transmission, dim, draw)
    hazy = torch.lerp(airlight, illumination * clear, transmission)
    return Haze(hazy, transmission, airlight, illumination)


@dataclass(frozen=True)
class Draw:
    """Random numbers for n samples, each shaped (n, channels, 1, 1)."""

    n: int
    generator: Generator

    def uniform(self, low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(self.n, channels, 1, 1, generator=self.generator)

    def log_uniform(self, low: float, high: float) -> Tensor:
        return self.uniform(math.log(low), math.log(high)).exp()

    def normal(self, channels: int) -> Tensor:
        return torch.randn(self.n, channels, 1, 1, generator=self.generator)

    def chance(self, probability: float) -> Tensor:
        """Boolean, true with that probability."""
        return self.uniform(0, 1) < probability

    def fractal(self, height: int, width: int) -> Tensor:
        """Smooth noise fields over five octaves, (n, 1, height, width), each stretched to [0, 1]."""
        total = torch.zeros(self.n, 1, height, width)
        for octave in range(1, 6):
            cells = 2**octave + 3
            noise = torch.rand(self.n, 1, cells, cells, generator=self.generator)
            total += 0.55**octave * F.interpolate(noise, (height, width), mode="bicubic")
        low, high = total.amin((2, 3), keepdim=True), total.amax((2, 3), keepdim=True)
        return (total - low) / (high - low + 1e-6)


def _optical_depth(depth: Tensor, draw: Draw) -> Tensor:
    """tau, (n, 1, h, w): each sample takes the field of its kind."""
    height, width = depth.shape[-2:]
    scene = _scene_depth(depth, draw)
    noise = draw.fractal(height, width)
    patchy = 1 + draw.chance(0.35) * draw.uniform(0.3, 1) * (2.2 * noise - 1.1)

    outdoor = draw.log_uniform(0.4, 3.5) * scene * patchy.clamp_min(0)
    near = draw.uniform(0.15, 0.6)  # nearest over farthest distance: haze lies over everything, as in a room
    dense = draw.log_uniform(0.6, 3) * (near + (1 - near) * scene) * (1 + 0.5 * (patchy - 1)).clamp_min(0)
    plume = draw.fractal(height, width) ** draw.uniform(1, 3)
    smoke = draw.uniform(0.05, 0.6) * scene + draw.log_uniform(0.6, 4) * plume
    light = draw.uniform(0.05, 0.5) * scene * patchy.clamp_min(0)

    fields = torch.stack([outdoor, dense, smoke, light, torch.zeros_like(depth)])
    weights = torch.tensor(list(KINDS.values()))
    kind = torch.multinomial(weights, draw.n, replacement=True, generator=draw.generator)
    return fields[kind, torch.arange(draw.n)]


def _scene_depth(depth: Tensor, draw: Draw) -> Tensor:
    """Pop-up depth under a random tone curve, or sometimes a mere vertical ramp or a flat scene."""
    height = depth.shape[-2]
    popup = depth ** draw.uniform(0.6, 1.8) + draw.chance(0.5) * draw.uniform(0, 0.4)
    ramp = torch.linspace(1, 0, height)[:, None].expand_as(depth) * draw.uniform(0.5, 1) + draw.uniform(0, 0.4)
    flat = torch.ones_like(depth) * draw.uniform(0.3, 1)
    family = draw.uniform(0, 1)
    return torch.where(family < 0.78, popup, torch.where(family < 0.87, ramp, flat))


def _illumination(transmission: Tensor, dim: Tensor, draw: Draw) -> Tensor:
    """Haze that is darker than the scene's highlights also takes light from the scene: factor in (0.55, 1]."""
    loss = draw.uniform(0, 0.45) * (1 - transmission.mean((1, 2, 3), keepdim=True))
    return torch.where(dim, 1 - loss, 1.0)


def _airlight(size: tuple[int, ...], dim: Tensor, draw: Draw) -> Tensor:
    """A, (n, 3, h, w): mostly bright and nearly grey; sometimes dim, tinted, bluish, dusty, or brighter at the top."""
    height, width = size
    brightness = torch.where(dim, draw.uniform(0.35, 0.8), draw.uniform(0.7, 1))
    tint = draw.normal(3) * torch.where(draw.chance(0.6), 0.006, torch.where(draw.chance(0.8), 0.02, 0.04))
    cast = torch.tensor(CASTS)[torch.multinomial(torch.tensor(CAST_SHARES), draw.n, True, generator=draw.generator)]
    cast = cast.view(-1, 3, 1, 1) * draw.uniform(0.3, 1)
    gradient = draw.chance(0.2) * draw.uniform(-0.05, 0.15) * torch.linspace(0.5, -0.5, height).view(1, 1, height, 1)
    return (brightness + tint + cast + gradient).clamp(0.3, 1).expand(-1, 3, height, width)
