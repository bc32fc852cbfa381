"""Would an image embedding help, and a density map? As far as that can be asked without CLIP.

    python -m training.stand_in PACK.npz DATA RUNS/ --start-from WEIGHTS.safetensors --steps 600 --seeds 3

Stand-ins, never CLIP: the map is the true 1 - t made worse; the embedding is a fixed random projection, to 512 numbers,
of a photo's layout (colour and gradient histograms on a 4x4 grid). Taken from the clean photo it bounds what a perfect
embedding can bring; from the hazy one with the direction of haze projected out it is what could be had; another photo's
is what harm looks like. All arms see the same batches. PSNR is of haze laid over DATA's clear photos, homogeneous and
patchy apart; a row an arm, mean over seeds, and the gain over `none`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from safetensors.torch import load_file
from torch import Generator, Tensor

from cliphaze_cli.network.cliphaze import CLIPHaze, apply_maps
from cliphaze_cli.prior.embedding import degradation_basis, without_degradation
from cliphaze_cli.restoration.pixels import rows_as_tensor
from training.arguments import Pack, existing_folder
from training.batches import Batch, HazeBatches, PhotoPack
from training.haze import Haze, add_haze
from training.instruction import ABSENT, degraded_density
from training.pairs import find_sets, read_rgb
from training.popup_depth import popup_depth
from training.recipe import HazeMix, Instructed, Recipe, Scenes
from training.train import Trainer

GRID, BINS, SIZE = 4, 8, 512
NOISE = 0.2  # length of what is added to an embedding of length one
DIRECTIONS = 8  # along which haze moves a layout, at most
EMA_DECAY = 0.99
HOMOGENEOUS = HazeMix(patchy=0.0, smoke=0.0, billows=0.0, layered=0.0, none=0.0)
PATCHY = HazeMix(patchy=1.0, smoke=0.3, billows=0.3, outdoor=0.2, dense=0.2, room=0.0, light=0.0, none=0.0)


@dataclass(frozen=True)
class Arm:
    """What instructs: kinds of map and of embedding, by their names in MAPS and in `embedding_of`."""

    map: str = "none"
    embedding: str = "none"

    @property
    def name(self) -> str:
        """For the table."""
        return f"map {self.map}, embedding {self.embedding}" if self != Arm() else "none"


ARMS = (
    Arm(),
    *(Arm(map=kind) for kind in ("true", "degraded", "biased", "saturated", "random")),
    *(Arm(embedding=kind) for kind in ("perfect", "realistic", "another's")),
    Arm("degraded", "perfect"),
    Arm("degraded", "realistic"),
)
MAPS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "none": lambda t, generator: torch.full_like(t[:, :1], ABSENT),
    "true": lambda t, generator: 1 - t.mean(1, keepdim=True),
    "degraded": lambda t, generator: degraded_density(t, Instructed(present=1, saturated=0, useless=0), generator),
    "biased": lambda t, generator: (1.4 - t.mean(1, keepdim=True)).clamp(0, 1),
    "saturated": lambda t, generator: degraded_density(t, Instructed(present=1, saturated=1, useless=0), generator),
    "random": lambda t, generator: F.interpolate(
        torch.rand(len(t), 1, 7, 7, generator=generator), t.shape[-2:], mode="bilinear"
    ),
}


def study(
    pack: Pack,
    data: Annotated[Path, existing_folder("Folder of sets, whose clear photos are hazed to score on.")],
    runs: Annotated[Path, typer.Argument(help="Folder of results; finished ones are not repeated.")],
    start_from: Annotated[Path, typer.Option(help="Weights that every arm starts from.")],
    steps: int = 600,
    seeds: int = 3,
    learning_rate: float = 5e-4,
    variant: str = "tiny",
    batch: Annotated[float, typer.Option(help="Size of the batches, 1 for a training run's.")] = 1.0,
    limit: Annotated[int, typer.Option(help="Clear photos to score on, at most.")] = 40,
) -> None:
    """Train and score every arm, and print a row for each."""
    runs.mkdir(parents=True, exist_ok=True)
    photos = PhotoPack(pack)
    photos.clip = None  # nothing of this is CLIP's
    cases = list(_cases(data, limit))
    basis = haze_basis(photos, Recipe(variant, 1))
    found: dict[Arm, list[dict[str, float]]] = {}
    for seed in range(seeds):  # all arms of a seed first: what is cut off is a whole table of fewer seeds
        for arm in ARMS:
            result = runs / f"{arm.name.replace(' ', '-')}-{seed}.json"
            if not result.exists():
                scenes = Scenes(large_from=steps, batch=batch)  # small crops only
                recipe = Recipe(variant, steps, seed, learning_rate, ema_decay=EMA_DECAY, scenes=scenes)
                network = _trained(arm, photos, recipe, load_file(start_from), basis)
                result.write_text(json.dumps(scored(arm, network, cases, basis)))
            found.setdefault(arm, []).append(json.loads(result.read_text()))
    typer.echo("| arm (stand-ins, not CLIP) | homogeneous | gain | patchy | gain |\n|---|---|---|---|---|")
    for arm in ARMS:
        typer.echo(_row(arm, found))


class InstructedBatches(HazeBatches):
    """A recipe's batches, instructed by an arm; half of the samples do without, as everywhere."""

    def __init__(self, pack: PhotoPack, recipe: Recipe, arm: Arm, basis: Tensor) -> None:
        super().__init__(pack, recipe)
        self.arm, self.basis = arm, basis

    def __getitem__(self, index: int) -> Batch:
        batch = super().__getitem__(index)
        generator = Generator().manual_seed(1_000_003 * self.recipe.seed + index)
        told = torch.rand(len(batch.hazy), 1, generator=generator) < 0.5
        density, embedding = instructed(self.arm, batch.hazy, batch.clear, batch.transmission, self.basis, generator)
        return replace(batch, density=torch.where(told[..., None, None], density, ABSENT), embedding=embedding * told)


def instructed(
    arm: Arm, hazy: Tensor, clear: Tensor, transmission: Tensor, basis: Tensor, generator: Generator
) -> tuple[Tensor, Tensor]:
    """The arm's density map (n, 1, h, w) and embedding (n, SIZE) of photos (n, 3, h, w)."""
    return MAPS[arm.map](transmission, generator), embedding_of(arm.embedding, hazy, clear, basis, generator)


def embedding_of(kind: str, hazy: Tensor, clear: Tensor, basis: Tensor, generator: Generator) -> Tensor:
    """(n, SIZE), unit length or zeros: "none", "perfect", "realistic" or "another's", that of the next sample."""
    if kind == "none":
        return torch.zeros(len(hazy), SIZE)
    vectors = layout_embedding(hazy if kind == "realistic" else clear)
    if kind == "realistic":
        return without_degradation(vectors, basis)
    if kind == "another's":
        vectors = vectors.roll(1, 0)
    noise = NOISE * torch.randn(vectors.shape, generator=generator) / SIZE**0.5
    return F.normalize(vectors + noise, dim=1)


def layout_embedding(photos: Tensor) -> Tensor:
    """(n, 3, h, w) in [0, 1] -> (n, SIZE), unit length: what is where, by soft histograms of each cell."""
    gradient = F.pad(photos.mean(1, keepdim=True).diff(dim=3).abs(), (0, 1)) * 4
    planes = torch.cat([photos, gradient.clamp(0, 1)], 1)  # (n, 4, h, w)
    centres = torch.linspace(0, 1, BINS).view(1, 1, BINS, 1, 1)
    soft = (1 - (planes[:, :, None] - centres).abs() * (BINS - 1)).clamp_min(0)
    cells = F.adaptive_avg_pool2d(soft.flatten(1, 2), GRID).flatten(1)  # (n, 4 * BINS * GRID^2)
    return F.normalize((cells - cells.mean(1, keepdim=True)) @ _projection(cells.shape[1]), dim=1)


def haze_basis(pack: PhotoPack, recipe: Recipe, batches: int = 16) -> Tensor:
    """The directions along which haze moves a layout's embedding most, (DIRECTIONS, SIZE), orthonormal."""
    made = HazeBatches(pack, replace(recipe, steps=batches, seed=12_345))
    pairs = [made[i] for i in range(batches)]
    moved = torch.cat([layout_embedding(one.hazy) - layout_embedding(one.clear) for one in pairs])
    return degradation_basis(moved)[:DIRECTIONS]


@torch.inference_mode()
def scored(
    arm: Arm, network: CLIPHaze, cases: list[tuple[str, Haze, Tensor, Tensor]], basis: Tensor
) -> dict[str, float]:
    """Mean PSNR by kind of haze."""
    found: dict[str, list[float]] = {}
    for number, (kind, haze, clear, other) in enumerate(cases):
        generator = Generator().manual_seed(number)
        density, embedding = instructed(arm, haze.hazy, clear, haze.transmission, basis, generator)
        if arm.embedding == "another's":
            embedding = layout_embedding(other)
        estimate = apply_maps(haze.hazy, *network(haze.hazy, density, embedding)).clamp(0, 1)
        error = float((estimate - clear).square().mean())
        found.setdefault(kind, []).append(-10 * float(np.log10(max(error, 1e-9))))
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def _trained(arm: Arm, pack: PhotoPack, recipe: Recipe, weights: dict[str, Tensor], basis: Tensor) -> CLIPHaze:
    recipe = replace(recipe, network=replace(recipe.network, embedding_size=SIZE))
    torch.manual_seed(recipe.seed)
    trainer = Trainer(recipe, torch.device("cpu"))
    # The embedding's branch begins anew, as in a network that never had one.
    fresh = {name: value for name, value in trainer.network.state_dict().items() if name.startswith("embedding.")}
    trainer.start_from({**weights, **fresh})
    batches = InstructedBatches(pack, recipe, arm, basis)
    for step in range(recipe.steps):
        trainer.train_step([batches[step]])
    trainer.network.load_state_dict(trainer.ema)
    return trainer.network.eval()


def _cases(data: Path, limit: int) -> Iterator[tuple[str, Haze, Tensor, Tensor]]:
    """Kind of haze, the hazed photo, the clear one, and another clear one of its size."""
    paths = sorted({clear for pairs in find_sets(data) for _, clear in pairs.pairs})[:limit]
    for number, path in enumerate(paths):
        clear = _small(rows_as_tensor(read_rgb(path)))
        size = clear.shape[-2:]
        other = F.interpolate(rows_as_tensor(read_rgb(paths[number - 1])), size, mode="area")
        popup = popup_depth(clear[0].permute(1, 2, 0).numpy(), np.random.default_rng(number))
        depth = torch.from_numpy(popup)[None, None].float()
        for kind, mix in (("homogeneous", HOMOGENEOUS), ("patchy", PATCHY)):
            generator = Generator().manual_seed(number)
            yield kind, add_haze(clear, depth, torch.ones(1, dtype=torch.bool), mix, generator), clear, other


def _small(photo: Tensor, side: int = 384) -> Tensor:
    height, width = photo.shape[-2:]
    scale = min(1.0, side / max(height, width))
    return F.interpolate(photo, (round(height * scale), round(width * scale)), mode="area")


@lru_cache(maxsize=1)
def _projection(columns: int) -> Tensor:
    return torch.randn(columns, SIZE, generator=Generator().manual_seed(0)) / SIZE**0.5


def _row(arm: Arm, found: dict[Arm, list[dict[str, float]]]) -> str:
    cells = []
    for kind in ("homogeneous", "patchy"):
        values, without = ([one[kind] for one in found[each]] for each in (arm, ARMS[0]))
        gains = np.subtract(values, without)  # seed by seed: the batches are the same
        cells += [f"{np.mean(values):.2f}", f"{gains.mean():+.2f} ({gains.min():+.2f} to {gains.max():+.2f})"]
    return f"| {arm.name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    typer.run(study)
