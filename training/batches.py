"""Training batches: clean crops at many scales, photographed through synthetic haze. Batch i is a function of i."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.utils.data import Dataset

from training.haze import Draw, add_haze
from training.instruction import degraded_density

# Crop height and width of a batch, one drawn per batch; whole scenes come in photographs' aspect ratios. Crops of the
# size that photos are dehazed at are added later: small ones teach faster, large ones teach the global context.
SMALL_SHAPES = ((192, 192), (192, 192), (160, 240), (240, 160), (256, 256))
LARGE_SHAPES = ((256, 384), (384, 256), (320, 320))
LARGE_FROM = 2000  # step
PIXELS_PER_BATCH = 8 * 192 * 192
WHOLE_SCENE = 0.45  # share of crops as large as the photo allows


@dataclass(frozen=True)
class Batch:
    """`hazy`, `clear` (n, 3, h, w) in [0, 1]; `transmission`, `density` (n, 1, h, w), density negative = absent."""

    hazy: Tensor
    clear: Tensor
    transmission: Tensor
    density: Tensor


class PhotoPack:
    """The photos and pop-up depths that `training.prepare` packed, as views."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as pack:
            shapes, photos, depths = pack["shapes"], pack["photos"], pack["depths"]
            self.names: list[str] = pack["names"].tolist()
        halves = (shapes + 1) // 2
        photo_ends, depth_ends = np.cumsum(shapes.prod(1) * 3), np.cumsum(halves.prod(1))
        self.photos = [p.reshape(*s, 3) for p, s in zip(np.split(photos, photo_ends[:-1]), shapes, strict=True)]
        self.depths = [
            d.reshape(-1, *s) for d, s in zip(np.split(depths, depth_ends[:-1], axis=1), halves, strict=True)
        ]

    def crop(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One random crop resized to `shape`: photo (1, 3, h, w) and depth (1, 1, h, w) in [0, 1]."""
        i = rng.integers(len(self.photos))
        photo, depth = self.photos[i], self.depths[i][rng.integers(len(self.depths[i]))]
        largest = min(photo.shape[0] / shape[0], photo.shape[1] / shape[1])
        scale = largest if rng.random() < WHOLE_SCENE else rng.uniform(min(0.9, largest), largest)
        height, width = int(shape[0] * scale), int(shape[1] * scale)
        y, x = rng.integers(photo.shape[0] - height + 1), rng.integers(photo.shape[1] - width + 1)
        clear = _as_tensor(photo[y : y + height, x : x + width], shape)
        far = _as_tensor(depth[y // 2 : (y + height + 1) // 2, x // 2 : (x + width + 1) // 2, None], shape)
        return (clear.flip(3), far.flip(3)) if rng.random() < 0.5 else (clear, far)


class HazeBatches(Dataset[Batch]):
    """`steps` batches; the i-th depends on `seed` and i alone, so a resumed run sees what an unbroken one would."""

    def __init__(self, pack: PhotoPack, steps: int, seed: int, first: int = 0) -> None:
        self.pack, self.steps, self.seed, self.first = pack, steps, seed, first

    def __len__(self) -> int:
        return self.steps - self.first

    def __getitem__(self, index: int) -> Batch:
        step = self.first + index
        rng = np.random.default_rng((self.seed, step))
        generator = Generator().manual_seed(int(rng.integers(2**62)))
        shapes = SMALL_SHAPES if step < LARGE_FROM else SMALL_SHAPES + LARGE_SHAPES
        shape = shapes[rng.integers(len(shapes))]
        crops = [self.pack.crop(shape, rng) for _ in range(PIXELS_PER_BATCH // (shape[0] * shape[1]))]
        clear = _expose(torch.cat([photo for photo, _ in crops]), generator)
        haze = add_haze(clear, torch.cat([depth for _, depth in crops]), generator)
        return Batch(
            hazy=_photograph(haze.hazy, haze.transmission, rng, generator),
            clear=clear,
            transmission=haze.transmission,
            density=degraded_density(haze.transmission, generator),
        )


def _as_tensor(pixels: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """(H, W, C) uint8 -> (1, C, *shape) in [0, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].float() / 255
    return F.interpolate(x, shape, mode="bilinear", antialias=True)


def _expose(clear: Tensor, generator: Generator) -> Tensor:
    """Random exposure, gamma and white balance of the clean scene; lifted blacks would look like haze."""
    draw = Draw(clear.shape[0], generator)
    gain = draw.uniform(0.75, 1.15) * (1 + 0.02 * draw.normal(3))
    return (clear.clamp_min(1e-4) ** draw.log_uniform(0.85, 1.35) * gain).clamp(0, 1)


def _photograph(hazy: Tensor, transmission: Tensor, rng: np.random.Generator, generator: Generator) -> Tensor:
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
