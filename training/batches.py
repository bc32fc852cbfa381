"""Training batches: clean crops at many scales, photographed through synthetic haze. Batch i is a function of i."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.utils.data import Dataset

from training.haze import Draw, Haze, add_haze
from training.instruction import degraded_density
from training.recipe import Recipe, Scenes

# Crop height and width of a batch, one drawn per batch; whole scenes come in photographs' aspect ratios.
SMALL_SHAPES = ((192, 192), (192, 192), (160, 240), (240, 160), (256, 256))
LARGE_SHAPES = ((256, 384), (384, 256), (320, 320), (336, 448), (448, 336))
PIXELS_PER_BATCH = 8 * 192 * 192
BLACK, WHITE = 0.004, 0.997  # quantiles of a photo's values that stretched levels put at 0 and 1


@dataclass(frozen=True)
class Batch:
    """`hazy`, `clear` in [0, 1] and `transmission`, each (n, 3, h, w); `density` (n, 1, h, w), negative = absent;
    `airlight` (n, 3, 1, 1), the image's mean."""

    hazy: Tensor
    clear: Tensor
    transmission: Tensor
    airlight: Tensor
    density: Tensor


@dataclass(frozen=True)
class Crop:
    """`photo` (1, 3, h, w) and `depth` (1, 1, h, w) in [0, 1]; whether it is of a place rather than of things."""

    photo: Tensor
    depth: Tensor
    place: bool


class PhotoPack:
    """The photos and pop-up depths that `training.prepare` packed, as views."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as pack:
            shapes, photos, depths = pack["shapes"], pack["photos"], pack["depths"]
            self.names: list[str] = pack["names"].tolist()
            self.places = pack["places"]
        halves = (shapes + 1) // 2
        photo_ends, depth_ends = np.cumsum(shapes.prod(1) * 3), np.cumsum(halves.prod(1))
        self.photos = [p.reshape(*s, 3) for p, s in zip(np.split(photos, photo_ends[:-1]), shapes, strict=True)]
        self.depths = [
            d.reshape(-1, *s) for d, s in zip(np.split(depths, depth_ends[:-1], axis=1), halves, strict=True)
        ]

    def crop(self, shape: tuple[int, int], scenes: Scenes, rng: np.random.Generator) -> Crop:
        """One random crop resized to `shape`."""
        i = self._draw(scenes.scenery, rng)
        photo, depth = self.photos[i], self.depths[i][rng.integers(len(self.depths[i]))]
        largest = min(photo.shape[0] / shape[0], photo.shape[1] / shape[1])
        scale = largest if rng.random() < scenes.whole else rng.uniform(min(0.9, largest), largest)
        height, width = int(shape[0] * scale), int(shape[1] * scale)
        y, x = rng.integers(photo.shape[0] - height + 1), rng.integers(photo.shape[1] - width + 1)
        clear = _as_tensor(photo[y : y + height, x : x + width], shape)
        far = _as_tensor(depth[y // 2 : (y + height + 1) // 2, x // 2 : (x + width + 1) // 2, None], shape)
        if rng.random() < 0.5:
            clear, far = clear.flip(3), far.flip(3)
        return Crop(clear, far, bool(self.places[i]))

    def _draw(self, scenery: float, rng: np.random.Generator) -> int:
        """Index of a photo; those of places are `scenery` times as likely as others."""
        ends = np.cumsum(np.where(self.places, scenery, 1.0))
        return int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))


class HazeBatches(Dataset[Batch]):
    """A recipe's batches; batch i depends on the recipe and i alone, so a resumed run sees the same."""

    def __init__(self, pack: PhotoPack, recipe: Recipe, first: int = 0) -> None:
        self.pack, self.recipe, self.first = pack, recipe, first

    def __len__(self) -> int:
        return self.recipe.steps - self.first

    def __getitem__(self, index: int) -> Batch:
        step = self.first + index
        scenes = self.recipe.scenes
        rng = np.random.default_rng((self.recipe.seed, step))
        generator = Generator().manual_seed(int(rng.integers(2**62)))
        large = step >= scenes.large_from and rng.random() < scenes.large
        shapes = LARGE_SHAPES if large else SMALL_SHAPES
        shape = shapes[rng.integers(len(shapes))]
        count = max(2, PIXELS_PER_BATCH // (shape[0] * shape[1]))
        crops = [self.pack.crop(shape, scenes, rng) for _ in range(count)]
        places = torch.tensor([crop.place for crop in crops])
        levels = torch.where(places, scenes.levels, scenes.levels_of_things).view(-1, 1, 1, 1)
        clear = torch.cat([crop.photo for crop in crops])
        clear = _expose(_stretch_levels(clear, levels, generator), generator)
        blank = Draw(count, generator).chance(scenes.blank)
        clear = torch.where(blank, _even_surfaces(count, shape, generator), clear)
        depth = torch.cat([crop.depth for crop in crops])
        haze = add_haze(clear, depth, places, self.recipe.haze, generator, bare=blank.flatten())
        return Batch(
            hazy=_photograph(haze.hazy, rng, generator),
            clear=clear,
            transmission=haze.transmission,
            airlight=_mean_airlight(haze),
            density=degraded_density(haze.transmission, self.recipe.instructed, generator),
        )


def _as_tensor(pixels: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """(H, W, C) uint8 -> (1, C, *shape) in [0, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].float() / 255
    return F.interpolate(x, shape, mode="bilinear", antialias=True)


def _mean_airlight(haze: Haze) -> Tensor:
    """(n, 3, 1, 1): that of I = c J t + A (1 - t) seen as J = K I - B + I, with A = B / K over the whole image."""
    gain = 1 / (haze.illumination * haze.transmission)
    B = (haze.airlight * (1 - haze.transmission) * gain).mean((2, 3), keepdim=True)
    return B / (gain - 1).mean((2, 3), keepdim=True).clamp_min(0.02)


def _stretch_levels(clear: Tensor, share: Tensor, generator: Generator) -> Tensor:
    """Stretch some photos to the full range. What a dehazed photo should look like has real blacks; among photos that
    pass as clear there are many with a veil, which teach the network to leave one."""
    values = clear[:, :, ::4, ::4].flatten(1)
    low, high = (values.quantile(q, 1).view(-1, 1, 1, 1) for q in (BLACK, WHITE))
    stretched = ((clear - low) / (high - low).clamp_min(0.25)).clamp(0, 1)
    return torch.where(Draw(clear.shape[0], generator).chance(share), stretched, clear)


def _even_surfaces(n: int, shape: tuple[int, int], generator: Generator) -> Tensor:
    """Walls and skies, (n, 3, *shape): a colour, often grey or white, that may change slowly or bear faint clouds. Such
    a picture looks like the densest haze, and must stay as it is."""
    draw = Draw(n, generator)
    grey = torch.where(draw.chance(0.3), draw.uniform(0.9, 1.05), draw.uniform(0, 1))
    tint = draw.normal(3) * torch.where(draw.chance(0.4), 0.0, torch.where(draw.chance(0.7), 0.03, 0.15))
    x, y = torch.linspace(-1, 1, shape[1]).view(1, 1, 1, -1), torch.linspace(-1, 1, shape[0]).view(1, 1, -1, 1)
    slope = draw.chance(0.5) * 0.08 * (draw.normal(3) * y + 0.5 * draw.normal(1) * x)
    clouds = draw.chance(0.3) * draw.uniform(0, 0.1) * (draw.fractal(*shape) - 0.5)
    return (grey + tint + slope + clouds).clamp(0, 1)


def _expose(clear: Tensor, generator: Generator) -> Tensor:
    """Random exposure, gamma and white balance of the clean scene; lifted blacks would look like haze."""
    draw = Draw(clear.shape[0], generator)
    gain = draw.uniform(0.75, 1.15) * (1 + 0.02 * draw.normal(3))
    return (clear.clamp_min(1e-4) ** draw.log_uniform(0.85, 1.35) * gain).clamp(0, 1)


def _photograph(hazy: Tensor, rng: np.random.Generator, generator: Generator) -> Tensor:
    """What the camera adds: noise, quantisation, and for half of the samples JPEG compression."""
    draw = Draw(hazy.shape[0], generator)
    noise = torch.randn(hazy.shape, generator=generator) * draw.chance(0.6) * draw.uniform(0, 0.012)
    pixels = (hazy + noise).clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    images = [_jpeg(image, int(rng.integers(60, 98))) if rng.random() < 0.5 else image for image in pixels]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[..., ::-1]
