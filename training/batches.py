"""Training batches: clean crops at many scales, photographed through synthetic haze. Batch i is a function of i."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.utils.data import Dataset

from cliphaze_cli.restoration.pixels import rows_as_tensor
from training.clip_pack import ClipPack, PackedPhoto, instructing_embeddings
from training.finish import finish
from training.haze import Draw, Haze, add_haze
from training.instruction import ABSENT, degraded_density
from training.recipe import Camera, Recipe, Scenes

# Crop height and width of a batch, one drawn per batch; whole scenes come in photographs' aspect ratios.
SMALL_SHAPES = ((192, 192), (192, 192), (160, 240), (240, 160), (256, 256))
LARGE_SHAPES = ((256, 384), (384, 256), (320, 320), (336, 448), (448, 336))
PIXELS_PER_BATCH = 8 * 192 * 192
CLIP_WORDS, FINISH = 1, 2  # streams of random numbers
BLACK, WHITE = 0.004, 0.997  # quantiles of a photo's values that stretched levels put at 0 and 1


@dataclass(frozen=True)
class Batch:
    """`hazy`, `clear` in [0, 1] and `transmission`, each (n, 3, h, w); `density` (n, 1, h, w), negative = absent;
    `airlight` (n, 3, 1, 1), the image's mean; `embedding` (n, E), zeros = absent, or None where CLIP taught nothing."""

    hazy: Tensor
    clear: Tensor
    transmission: Tensor
    airlight: Tensor
    density: Tensor
    embedding: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on `device`."""
        moved: dict[str, Any] = {name: None if x is None else x.to(device) for name, x in vars(self).items()}
        return replace(self, **moved)


@dataclass(frozen=True)
class Window:
    """A part of photo `index`: rows and columns, whether it is flipped, and the (height, width) it is resized to."""

    index: int
    rows: slice
    columns: slice
    flipped: bool
    shape: tuple[int, int]

    def of(self, image: Tensor) -> Tensor:
        """Cut it out of something of the photo's size, (1, C, H, W)."""
        part = F.interpolate(image[..., self.rows, self.columns], self.shape, mode="bilinear", antialias=True)
        return part.flip(3) if self.flipped else part


@dataclass(frozen=True)
class Crop:
    """`photo` (1, 3, h, w) and `depth` (1, 1, h, w) in [0, 1]; whether it is of a place rather than of things."""

    photo: Tensor
    depth: Tensor
    place: bool
    window: Window


class PhotoPack:
    """The photos and pop-up depths that `training.prepare` packed, as views."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as pack:
            shapes, photos, depths = pack["shapes"], pack["photos"], pack["depths"]
            self.names: list[str] = pack["names"].tolist()
            self.places = pack["places"]
            self.clip = ClipPack.from_arrays(pack)
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
        flipped = bool(rng.random() < 0.5)
        if flipped:
            clear, far = clear.flip(3), far.flip(3)
        window = Window(i, slice(y, y + height), slice(x, x + width), flipped, shape)
        return Crop(clear, far, bool(self.places[i]), window)

    def photo(self, index: int) -> PackedPhoto:
        """A photo, whole."""
        return PackedPhoto(self.photos[index], self.depths[index], bool(self.places[index]))

    def _draw(self, scenery: float, rng: np.random.Generator) -> int:
        """Index of a photo; those of places are `scenery` times as likely as others."""
        ends = np.cumsum(np.where(self.places, scenery, 1.0))
        return int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))


class HazeBatches(Dataset[Batch]):
    """A recipe's batches from step `first` on; batch i depends on the recipe and i alone, so a resumed run sees the
    same."""

    def __init__(self, pack: PhotoPack, recipe: Recipe, first: int = 0) -> None:
        self.pack, self.recipe, self.first = pack, recipe, first

    def __len__(self) -> int:
        return (self.recipe.steps - self.first) * self.recipe.batches_per_step

    def __getitem__(self, index: int) -> Batch:
        number = self.first * self.recipe.batches_per_step + index
        step = number // self.recipe.batches_per_step
        recipe = self.recipe.at(step)
        scenes = recipe.scenes
        rng = np.random.default_rng((self.recipe.seed, number))
        generator = Generator().manual_seed(int(rng.integers(2**62)))
        large = step >= scenes.large_from and rng.random() < scenes.large
        shapes = LARGE_SHAPES if large else SMALL_SHAPES
        shape = shapes[rng.integers(len(shapes))]
        count = max(2, int(scenes.batch * PIXELS_PER_BATCH) // (shape[0] * shape[1]))
        crops = [self.pack.crop(shape, scenes, rng) for _ in range(count)]
        places = torch.tensor([crop.place for crop in crops])
        levels = torch.where(places, scenes.levels, scenes.levels_of_things).view(-1, 1, 1, 1)
        clear = torch.cat([crop.photo for crop in crops])
        clear = _expose(_stretch_levels(clear, levels, generator), generator)
        blank = Draw(count, generator).chance(scenes.blank)
        depth = torch.cat([crop.depth for crop in crops])
        clear, matte = finish(clear, depth, scenes, self._generator(number, FINISH))
        clear = torch.where(blank, _even_surfaces(count, shape, generator), clear)
        haze = add_haze(clear, depth, places, recipe.haze, generator, bare=(blank | matte).flatten())
        density = degraded_density(haze.transmission, self.recipe.instructed, generator)
        embedding = None
        if self.pack.clip is not None:  # with random numbers of its own, so that the batches are those without CLIP
            words = ClipWords(
                self.pack, self.pack.clip, self.recipe, np.random.default_rng((self.recipe.seed, number, CLIP_WORDS))
            )
            clear, haze, density = words.with_maps(crops, blank.flatten(), clear, haze, density)
            embedding = words.embeddings(crops, blank.flatten())
        return Batch(
            hazy=_photograph(haze.hazy, recipe.camera, rng, generator),
            clear=clear,
            transmission=haze.transmission,
            airlight=_mean_airlight(haze),
            density=density,
            embedding=embedding,
        )

    def _generator(self, number: int, stream: int) -> Generator:
        """Random numbers for one part of a batch, so that without this part the batch is what it was."""
        rng = np.random.default_rng((self.recipe.seed, number, stream))
        return Generator().manual_seed(int(rng.integers(2**62)))


@dataclass(frozen=True)
class ClipWords:
    """What CLIP said of a batch's photos, put in place of what is simulated."""

    pack: PhotoPack
    clip: ClipPack
    recipe: Recipe
    rng: np.random.Generator

    def with_maps(
        self, crops: list[Crop], blank: Tensor, clear: Tensor, haze: Haze, density: Tensor
    ) -> tuple[Tensor, Haze, Tensor]:
        """Give some samples a haze that CLIP has seen and its map, which covers the whole photo, as at test time."""
        instructed = self.recipe.instructed
        rows = [[*parts] for parts in zip(clear, haze.hazy, haze.transmission, haze.airlight, density, strict=True)]
        light = haze.illumination.clone()
        for sample, crop in enumerate(crops):
            chosen, version = self.rng.random() < instructed.clip_maps, self.rng.integers(self.clip.seeds.shape[1])
            told = self.rng.random() < instructed.present
            if not chosen or bool(blank[sample]):
                continue
            photo = self.pack.photo(crop.window.index)
            seen, map_ = self.clip.hazed(crop.window.index, int(version), photo)
            whole = (rows_as_tensor(photo.pixels), seen.hazy, seen.transmission, seen.airlight)
            cut = [crop.window.of(image)[0] for image in whole]
            size = photo.pixels.shape[:2]
            given = crop.window.of(F.interpolate(map_, size, mode="bilinear"))[0]
            rows[sample] = [*cut, given if told else torch.full_like(given, ABSENT)]
            light[sample] = seen.illumination[0]
        clear, hazy, transmission, airlight, density = (torch.stack(part) for part in zip(*rows, strict=True))
        return clear, Haze(hazy, transmission, airlight, light), density

    def embeddings(self, crops: list[Crop], blank: Tensor) -> Tensor:
        """(n, E): see `clip_pack.instructing_embeddings`; none for surfaces that are of no photo."""
        instructed = self.recipe.instructed
        vectors = instructing_embeddings(
            self.clip,
            [crop.window.index for crop in crops],
            self.rng,
            present=instructed.embedding,
            of_another=instructed.embedding_of_another,
            noise=instructed.embedding_noise,
        )
        return torch.where(blank[:, None], 0.0, vectors)


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


def _photograph(hazy: Tensor, camera: Camera, rng: np.random.Generator, generator: Generator) -> Tensor:
    """What the camera adds: noise, quantisation and JPEG compression."""
    draw = Draw(hazy.shape[0], generator)
    noise = torch.randn(hazy.shape, generator=generator) * draw.chance(camera.noise) * draw.uniform(0, 0.012)
    pixels = (hazy + noise).clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    images = [
        _jpeg(image, int(rng.integers(camera.quality, 98))) if rng.random() < camera.jpeg else image for image in pixels
    ]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    _, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[..., ::-1]
