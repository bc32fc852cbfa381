"""On synthetic haze, where the truth is known: what a density map brings, and how well the network's own ranks haze.

    python -m training.synthetic_check DATA [--weights RUN.safetensors] [--clip ViT-B-32]

Haze of the recipe's default mix is laid over the clear photos of DATA's sets, one draw a photo and seed. PSNR: with no
map, with the true 1 - t degraded as CLIP's is, with a useless random one, and, with --clip, as CLIP instructs. Density:
Spearman's rank correlation of `density --source model` with the true 1 - t, over the pixels of each photo (mean of the
photos with uneven haze) and over all pixels of all photos.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from scipy.stats import spearmanr
from torch import Tensor

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.restoration.pixels import tensor_as_rows
from training.arguments import existing_folder
from training.hazed import whole_haze
from training.instruction import degraded_density
from training.metrics import psnr
from training.pairs import find_sets, read_rgb
from training.popup_depth import popup_depth
from training.recipe import HazeMix, Instructed

UNEVEN = 0.03  # standard deviation of 1 - t within a photo, below which its ranks mean nothing
SAMPLES = 2000  # pixels of each photo, for the correlation over all
COLUMNS = ("absent", "true, degraded", "random")


def check(
    data: Annotated[Path, existing_folder("Folder of sets, each with clear/, or of clear photos.")],
    model: str = "tiny",
    weights: Annotated[Path | None, typer.Option(help="Check these weights instead of the named ones.")] = None,
    resolution: str = "auto",
    seed: int = 0,
    clip: Annotated[str | None, typer.Option(help="CLIP model that instructs the network in a column.")] = None,
) -> None:
    """Print PSNR by kind of instruction, and the rank correlations."""
    dehazer = Dehazer.from_pretrained(model, weights=weights, resolution=resolution)
    instructed = None
    if clip is not None:
        prior = ClipPrior.from_cache(clip, device=dehazer.device)
        instructed = Dehazer.from_pretrained(model, weights=weights, resolution=resolution, prior=prior)
    rng = np.random.default_rng(seed)
    scores: dict[str, list[float]] = {name: [] for name in COLUMNS}
    within: list[float] = []
    pooled: list[np.ndarray] = []
    for hazy, clear, density, degraded in _hazed(data, seed):
        maps = (None, degraded, rng.random((7, 7), dtype=np.float32))
        for column, instruction in zip(COLUMNS, maps, strict=True):
            scores[column].append(psnr(dehazer.dehaze(hazy, density=instruction).image, clear))
        if instructed is not None:
            scores.setdefault("CLIP", []).append(psnr(instructed.dehaze(hazy).image, clear))
        estimate = _enlarged(dehazer.estimate_density(hazy), density.shape)
        if density.std() > UNEVEN:
            within.append(spearmanr(estimate.ravel(), density.ravel()).statistic)
        chosen = rng.integers(density.size, size=SAMPLES)
        pooled.append(np.stack([estimate.ravel()[chosen], density.ravel()[chosen]]))
    over_all = spearmanr(*np.concatenate(pooled, axis=1)).statistic
    typer.echo("| density map | PSNR |\n|---|---|")
    typer.echo("\n".join(f"| {column} | {np.mean(values):.2f} |" for column, values in scores.items()))
    typer.echo(
        f"rank correlation of the model's density with the true one: {np.mean(within):.3f} within a photo "
        f"({len(within)} photos), {over_all:.3f} over all pixels ({len(pooled)} photos)"
    )


def _hazed(data: Path, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Hazy and clear photo, (H, W, 3) uint8; true density (H, W) and a degraded one, float32."""
    paths = sorted({clear for pairs in find_sets(data) for _, clear in pairs.pairs})
    for i, path in enumerate(paths):
        clear = read_rgb(path)
        depth = popup_depth(clear[::2, ::2] / 255, np.random.default_rng(seed + i))
        haze = whole_haze(clear, np.round(255 * depth).astype(np.uint8), seed + i, HazeMix(), place=True)
        generator = torch.Generator().manual_seed(seed + i)
        degraded = degraded_density(haze.transmission, Instructed(present=1, saturated=0, useless=0), generator)
        yield (
            tensor_as_rows(haze.hazy, clear.dtype),
            clear,
            _as_map(1 - haze.transmission.mean(1, keepdim=True)),
            _as_map(F.interpolate(degraded, (64, 64), mode="area")),
        )


def _as_map(x: Tensor) -> np.ndarray:
    return x[0, 0].numpy()


def _enlarged(density: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    return _as_map(F.interpolate(torch.from_numpy(density)[None, None], size, mode="bilinear"))


if __name__ == "__main__":
    typer.run(check)
