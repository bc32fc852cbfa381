"""Synthetic haze on clean photos: I = c J t + A (1 - t), with t = exp(-tau); c is 1 but for dim haze.

Each sample draws its optical depth tau from one of seven kinds, because one kind teaches one kind only: outdoor haze
that follows depth, dense haze that covers near things too, haze in a room, smoke, billows of smoke close by, light
haze, and none at all. How often, and what else may come with it, is the recipe's `HazeMix`.

Haze has a spectrum: tau = tau0 (lambda / 550 nm)^-alpha (Angstrom 1929). Fog is grey, alpha = 0; smoke and fine
aerosol dim blue first, alpha = 1 to 2.5, so that thin smoke before something dark is blue. Where smoke is dense, light
is scattered many times and it is white again.

Glossary: n samples, U(a, b) uniform; everything (n, C, h, w), photos and t in [0, 1].
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from training.recipe import HazeMix

KINDS = ("outdoor", "dense", "room", "smoke", "billows", "light", "none")
SMOKY = ("smoke", "billows")  # of fine particles more often than the others
WAVELENGTHS = (0.610, 0.550, 0.465)  # micrometres, where sRGB's primaries are strongest
REFERENCE_WAVELENGTH = 0.550
SMALLEST_ALPHA = 0.3  # of fine haze
WHITENING = 0.4  # at most, of alpha by optical depth: alpha / (1 + whitening * tau)
MIN_TRANSMISSION = 0.05
SKY = 0.9  # relative depth beyond which pop-up depth has nothing but sky
SMALLEST_SKY = 0.03  # of the image
DARKEST_SKY = 0.45  # whose light could be that of haze by day
BLUE = (-0.06, 0.0, 0.06)  # smoke and distance
CASTS = ((0.0, 0.0, 0.0), BLUE, (0.06, 0.0, -0.09))  # neutral; blue; dust
CAST_SHARES = (0.74, 0.13, 0.13)


@dataclass(frozen=True)
class Haze:
    """A batch of synthesised haze: I = c J t + A (1 - t).

    `hazy` I, `transmission` t, `airlight` A, each (n, 3, h, w); `illumination` c, (n, 1, 1, 1).
    """

    hazy: Tensor
    transmission: Tensor
    airlight: Tensor
    illumination: Tensor


def add_haze(
    clear: Tensor, depth: Tensor, places: Tensor, mix: HazeMix, generator: Generator, bare: Tensor | None = None
) -> Haze:
    """Draw a haze for each sample.

    Args:
        clear: J, (n, 3, h, w) in [0, 1].
        depth: relative depth, (n, 1, h, w) in [0, 1], 1 is far.
        places: which samples show a place rather than things, (n,) boolean.
        bare: which samples get no haze, (n,) boolean; None: as the mix says.
    """
    draw = Draw(clear.shape[0], generator)
    kind = torch.multinomial(_shares(places, mix), 1, generator=generator)[:, 0]
    if bare is not None:
        kind = torch.where(bare, KINDS.index("none"), kind)
    smoky = torch.stack([kind == KINDS.index(name) for name in SMOKY]).any(0).view(-1, 1, 1, 1)
    fine = draw.chance(torch.where(smoky, mix.fine_smoke, mix.fine))
    tau = _optical_depth(kind, depth, mix, draw)
    transmission = torch.exp(-tau * _spectrum(tau, smoky, fine, mix, draw)).clamp_min(MIN_TRANSMISSION)
    mean_transmission = transmission.mean(1, keepdim=True)
    dim = draw.chance(mix.dim)
    airlight = _airlight(dim, fine, mix, draw)
    sky = _sky(clear, depth, draw)
    lit_by_sky = draw.chance(mix.sky) & (sky.mean(1, keepdim=True) > DARKEST_SKY)
    airlight, dim = torch.where(lit_by_sky, sky, airlight), dim & ~lit_by_sky
    airlight = (airlight * _light(clear.shape[-2:], places, mix, draw)).clamp(0.2, 1)
    illumination = _illumination(mean_transmission, dim, draw)
    seen = _scattered(clear, mean_transmission, mix, draw)
    hazy = torch.lerp(airlight, illumination * seen, transmission)
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

    def chance(self, probability: float | Tensor) -> Tensor:
        """Boolean, true with that probability, of all samples or of each (n, 1, 1, 1)."""
        return self.uniform(0, 1) < probability

    def fractal(self, height: int, width: int, octaves: int = 5, persistence: float | Tensor = 0.55) -> Tensor:
        """Smooth noise fields over some octaves, (n, 1, height, width), each stretched to [0, 1]; the amplitude of each
        octave is `persistence` of the one before."""
        total = torch.zeros(self.n, 1, height, width)
        for octave in range(1, octaves + 1):
            cells = 2**octave + 3
            noise = torch.rand(self.n, 1, cells, cells, generator=self.generator)
            total += persistence**octave * F.interpolate(noise, (height, width), mode="bicubic")
        low, high = total.amin((2, 3), keepdim=True), total.amax((2, 3), keepdim=True)
        return (total - low) / (high - low + 1e-6)


def _optical_depth(kind: Tensor, depth: Tensor, mix: HazeMix, draw: Draw) -> Tensor:
    """tau at the reference wavelength, (n, 1, h, w): each sample takes the field of its kind, an index of KINDS."""
    height, width = depth.shape[-2:]
    scene = _scene_depth(depth, draw)
    noise = draw.fractal(height, width)
    patchy = 1 + draw.chance(mix.patchy) * draw.uniform(0.3, 1) * (2.2 * noise - 1.1)

    outdoor = draw.log_uniform(0.4, 3.5) * scene * patchy.clamp_min(0)
    near = draw.uniform(0.15, 0.6)  # nearest over farthest distance: haze lies over everything, as in a room
    everywhere = near + (1 - near) * scene
    dense = draw.log_uniform(0.6, 3) * everywhere * (1 + 0.5 * (patchy - 1)).clamp_min(0)
    room = draw.log_uniform(0.4, 3.2) * (near + (1 - near) * _room_depth(depth, draw))
    plume = draw.fractal(height, width) ** draw.uniform(1, 3)
    smoke = draw.uniform(0.05, 0.6) * scene + draw.log_uniform(0.6, 4) * plume
    billows = draw.log_uniform(0.1, 1.5) * everywhere + _billow(height, width, draw) + _billow(height, width, draw)
    light = draw.uniform(0.05, 0.5) * scene * patchy.clamp_min(0)

    kinds = torch.stack([outdoor, dense, room, smoke, billows, light, torch.zeros_like(depth)])
    return kinds[kind, torch.arange(draw.n)] * _layer(height, mix, draw)


def _billow(height: int, width: int, draw: Draw) -> Tensor:
    """tau of one cloud of smoke close by, (n, 1, h, w), its edge turbulent and soft or sharp; in a third there is none.

    Smoke from a machine or a fire drifts before everything, whatever the depth behind it.
    """
    noise = draw.fractal(height, width, octaves=7, persistence=draw.uniform(0.45, 0.75))
    edge = (noise - draw.uniform(0.3, 0.7)) / draw.log_uniform(0.03, 0.3)
    return draw.chance(2 / 3) * draw.log_uniform(0.5, 3.5) * torch.sigmoid(edge)


def _spectrum(tau: Tensor, smoky: Tensor, fine: Tensor, mix: HazeMix, draw: Draw) -> Tensor:
    """What tau at each colour is of that at the reference wavelength, (n, 3, h, w); 1 where the haze is not `fine`."""
    largest = torch.where(smoky, mix.alpha_smoke, mix.alpha)
    alpha = torch.where(fine, SMALLEST_ALPHA + draw.uniform(0, 1) * (largest - SMALLEST_ALPHA), 0.0)
    alpha = alpha / (1 + draw.uniform(0, WHITENING) * tau)
    relative = torch.tensor([REFERENCE_WAVELENGTH / wavelength for wavelength in WAVELENGTHS])
    return torch.exp(alpha * relative.log().view(1, 3, 1, 1))


def _shares(places: Tensor, mix: HazeMix) -> Tensor:
    """How likely each kind is for each sample, (n, kinds), relative to the row's sum."""
    shares = torch.tensor([getattr(mix, kind) for kind in KINDS]).repeat(len(places), 1)
    outdoor, room = KINDS.index("outdoor"), KINDS.index("room")
    for samples, unsuited, suited in ((places, room, outdoor), (~places, outdoor, room)):
        moved = mix.apart * shares[samples, unsuited]
        shares[samples, unsuited] -= moved
        shares[samples, suited] += moved
    return shares


def _scene_depth(depth: Tensor, draw: Draw) -> Tensor:
    """Pop-up depth under a random tone curve, or sometimes a mere vertical ramp or a flat scene."""
    height = depth.shape[-2]
    popup = depth ** draw.uniform(0.6, 1.8) + draw.chance(0.5) * draw.uniform(0, 0.4)
    ramp = torch.linspace(1, 0, height)[:, None].expand_as(depth) * draw.uniform(0.5, 1) + draw.uniform(0, 0.4)
    flat = torch.ones_like(depth) * draw.uniform(0.3, 1)
    family = draw.uniform(0, 1)
    return torch.where(family < 0.78, popup, torch.where(family < 0.87, ramp, flat))


def _room_depth(depth: Tensor, draw: Draw) -> Tensor:
    """A box seen from within, its far wall around a random vanishing point; segments stand before its walls."""
    height, width = depth.shape[-2:]
    x = torch.linspace(-1, 1, width).view(1, 1, 1, -1) - draw.uniform(-0.5, 0.5)
    y = torch.linspace(-1, 1, height).view(1, 1, -1, 1) - draw.uniform(-0.4, 0.4)
    side = torch.where(x < 0, draw.uniform(0.5, 2), draw.uniform(0.5, 2))  # distance of the walls left and right
    level = torch.where(y < 0, draw.uniform(0.6, 2), draw.uniform(0.4, 1.2))  # of ceiling and floor
    walls = torch.maximum(x.abs() / side, y.abs() / level)  # 1 / distance along the viewing direction
    far = draw.uniform(0.25, 0.7)  # 1 / distance of the far wall
    standing = 1 - draw.uniform(0, 0.6) * (1 - depth)
    return (far / torch.maximum(walls, far)) * standing


def _layer(height: int, mix: HazeMix, draw: Draw) -> Tensor:
    """A factor of the optical depth by rows, (n, 1, h, 1): 1, or a bank of haze that lies low or hangs high."""
    rows = torch.linspace(0, 1, height).view(1, 1, -1, 1)
    edge = (rows - draw.uniform(0.2, 0.7)) / draw.uniform(0.03, 0.25)
    direction = torch.where(draw.chance(0.5), 1.0, -1.0)
    bank = torch.sigmoid(direction * edge)
    return torch.where(draw.chance(mix.layered), bank, 1.0)


def _scattered(clear: Tensor, transmission: Tensor, mix: HazeMix, draw: Draw) -> Tensor:
    """Light scattered forward on its way blurs the scene behind dense haze."""
    blurred = F.avg_pool2d(F.avg_pool2d(clear, 5, 1, 2, count_include_pad=False), 3, 1, 1, count_include_pad=False)
    return torch.lerp(clear, blurred, draw.chance(mix.scattering) * draw.uniform(0.2, 0.8) * (1 - transmission))


def _illumination(transmission: Tensor, dim: Tensor, draw: Draw) -> Tensor:
    """Haze that is darker than the scene's highlights also takes light from the scene: factor in (0.55, 1]."""
    loss = draw.uniform(0, 0.45) * (1 - transmission.mean((1, 2, 3), keepdim=True))
    return torch.where(dim, 1 - loss, 1.0)


def _airlight(dim: Tensor, fine: Tensor, mix: HazeMix, draw: Draw) -> Tensor:
    """A, (n, 3, 1, 1): mostly bright and nearly grey; sometimes dim, tinted, bluish or dusty; fine haze is bluish."""
    bright = torch.where(draw.chance(mix.bright), draw.uniform(0.85, 1), draw.uniform(0.7, 1))
    brightness = torch.where(dim, draw.uniform(0.35, 0.8), bright)
    tint = draw.normal(3) * torch.where(draw.chance(0.4), 0.006, torch.where(draw.chance(0.8), 0.02, 0.04))
    tint = torch.where(draw.chance(mix.coloured), 0.1 * draw.normal(3), tint)
    cast = torch.tensor(CASTS)[torch.multinomial(torch.tensor(CAST_SHARES), draw.n, True, generator=draw.generator)]
    cast = torch.where(fine & draw.chance(0.5), torch.tensor(BLUE).view(1, 3, 1, 1), cast.view(-1, 3, 1, 1))
    colour = tint + cast * draw.uniform(0.1, 1)
    grey = draw.chance(torch.where(fine, mix.neutral_fine, mix.neutral))
    return (brightness + torch.where(grey, 0.0, colour)).clamp(0.3, 1)


def _light(size: tuple[int, ...], places: Tensor, mix: HazeMix, draw: Draw) -> Tensor:
    """A factor of the airlight by place, (n, 3, h, w): 1, or haze that is lit from one side or by a window, darker in
    the corners that lenses leave so, and of a hue that changes slowly; brightness less so in photos of places."""
    height, width = size
    x = torch.linspace(-1, 1, width).view(1, 1, 1, -1)
    y = torch.linspace(-1, 1, height).view(1, 1, -1, 1)
    distance = (x - draw.uniform(-0.8, 0.8)).square() + (y - draw.uniform(-0.8, 0.8)).square()
    brightness = 0.24 * (draw.normal(1) * x + draw.normal(1) * y) - draw.uniform(0, 0.5) * distance
    hue = 0.03 * (draw.normal(3) * x + draw.normal(3) * y)
    brightness = torch.where(places.view(-1, 1, 1, 1), 0.3, 1.0) * brightness
    return torch.where(draw.chance(mix.uneven), (brightness + hue).exp(), 1.0).clamp(0.25, 1.4)


def _sky(clear: Tensor, depth: Tensor, draw: Draw) -> Tensor:
    """The light of the scene's sky, (n, 3, 1, 1), partly greyed; 0 without one.

    By day haze is lit as its horizon is (Koschmieder 1924), so that sky looks the same with and without haze.
    """
    sky = (depth > SKY).float()
    area = sky.mean((2, 3), keepdim=True)
    colour = (clear * sky).mean((2, 3), keepdim=True) / area.clamp_min(SMALLEST_SKY)
    greyed = torch.lerp(colour.mean(1, keepdim=True), colour, draw.uniform(0, 0.6)) * draw.uniform(0.95, 1.08)
    return torch.where(area > SMALLEST_SKY, greyed.clamp(0, 1), 0.0)
