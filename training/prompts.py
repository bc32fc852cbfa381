"""Learn two prompts, "hazy" and "clear", as vectors of CLIP's embedding space, instead of writing them.

    python -m training.prompts PHOTOS PROMPTS.safetensors [--clip ViT-B-32] [--builder surgery]
    cliphaze density img.jpg --prompts PROMPTS.safetensors

As in the paper, by cross-entropy on embeddings of hazed and of clean photos; here the vectors are free, and begin at
those of the written prompts. The haze is synthetic. A fifth of the photos is kept aside: the vectors that are best for
them are saved, the written ones at worst. Embedding takes nearly all of the time: about a second a photo on one core.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.prior import DEFAULT_MODEL, density_map
from cliphaze_cli.prior.builders import WINDOWS
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.prior.prompt_file import LearnedPrompts, save_prompts
from cliphaze_cli.prior.scoring import TEMPERATURE, PromptEmbeddings
from training.arguments import existing_folder
from training.hazed import hazed_photo
from training.pairs import read_rgb

HAZY = 0.25  # true density from which a place counts as hazy; clean photos count as clear everywhere
CELLS_A_PHOTO = 48  # embeddings kept of each
KEPT_ASIDE = 5  # every n-th photo
LEARNING_RATE = 2e-3


@dataclass(frozen=True, eq=False)
class Labelled:
    """Unit embeddings (n, E), and whether each shows haze (n,), 0 or 1."""

    embeddings: Tensor
    hazy: Tensor

    @classmethod
    def joined(cls, parts: Iterable["Labelled"]) -> "Labelled":
        """All of them as one."""
        parts = list(parts)
        return cls(torch.cat([part.embeddings for part in parts]), torch.cat([part.hazy for part in parts]))


def prompts(
    photos: Annotated[Path, existing_folder("Folder of clean photos.")],
    output: Annotated[Path, typer.Argument(help="File to write, .safetensors.")],
    clip: Annotated[str, typer.Option(help="open_clip model, with or without :TAG.")] = DEFAULT_MODEL,
    builder: Annotated[str | None, typer.Option(help="Of the maps that they are for.")] = None,
    limit: Annotated[int, typer.Option(help="Photos at most.")] = 500,
    steps: int = 400,
    seed: int = 0,
) -> None:
    """Learn and save prompts; print how well the written and the learned ones tell haze on photos kept aside."""
    prior = ClipPrior.from_cache(clip)
    kind = prior.choose_builder(builder).name
    paths = sorted(path for path in photos.iterdir() if path.is_file())[:limit]
    labelled = [labelled_photo(prior, read_rgb(path), kind, seed + i) for i, path in enumerate(paths)]
    learnt, before, after = learn(labelled, prior.prompt_embeddings(), steps)
    save_prompts(LearnedPrompts(learnt, prior.name, kind), output)
    typer.echo(
        f"{output}: CLIP {prior.name}, {kind}, {len(paths)} photos; right on those kept aside: "
        f"{before:.1%} with written prompts, {after:.1%} with these",
        err=True,
    )


@torch.inference_mode()
def labelled_photo(prior: ClipPrior, clear: NDArray[np.uint8], builder: str, seed: int) -> Labelled:
    """Embeddings of a clean photo and of its hazed version, with what they show."""
    photo = hazed_photo(clear, seed)
    chosen = torch.Generator().manual_seed(seed)
    parts = []
    for pixels, density in ((photo.clear, np.zeros_like(photo.density)), (photo.hazy, photo.density)):
        embeddings, local = _cells(prior, pixels, density, builder)
        told = (local >= HAZY) if density.any() else torch.ones_like(local, dtype=torch.bool)
        embeddings, local = embeddings[told], local[told]
        kept = torch.randperm(len(embeddings), generator=chosen)[:CELLS_A_PHOTO]
        parts.append(Labelled(embeddings[kept], (local[kept] >= HAZY).float()))
    return Labelled.joined(parts)


def learn(photos: list[Labelled], written: PromptEmbeddings, steps: int) -> tuple[PromptEmbeddings, float, float]:
    """Return the learned vectors, one a side, and the share of right answers before and after on photos kept aside.

    Args:
        photos: one entry a photo; every KEPT_ASIDE-th only chooses the step to stop at.
        written: the prompts to begin with.

    Raises:
        ValueError: too few photos to keep one aside.
    """
    if len(photos) < KEPT_ASIDE:
        raise ValueError(f"{len(photos)} photos are too few: at least {KEPT_ASIDE} are needed")
    aside = Labelled.joined(photos[::KEPT_ASIDE])
    taught = Labelled.joined(photo for i, photo in enumerate(photos) if i % KEPT_ASIDE)
    sides = torch.nn.Parameter(written.directions().clone())  # (2, E): clear, hazy
    optimiser = torch.optim.Adam([sides], LEARNING_RATE)
    first = best = sides.detach().clone()
    lowest = float(_loss(best, aside))
    for _ in range(steps):
        optimiser.zero_grad()
        _loss(sides, taught).backward()
        optimiser.step()
        now = float(_loss(sides.detach(), aside))
        if now < lowest:
            lowest, best = now, sides.detach().clone()
    clear, hazy = F.normalize(best, dim=-1).split(1)
    return PromptEmbeddings(hazy=hazy, clear=clear), _right(first, aside), _right(best, aside)


def _cells(
    prior: ClipPrior, pixels: NDArray[np.uint8], density: NDArray[np.float32], builder: str
) -> tuple[Tensor, Tensor]:
    """Unit embeddings (n, E) of a photo's windows or patches, and the mean true density in each (n,)."""
    if builder == WINDOWS:
        truth = np.repeat(density[..., None], 3, axis=2)
        windows = density_map.whole_image_windows(pixels, prior.tower.image_size)
        of_truth = density_map.whole_image_windows(truth, prior.tower.image_size)
        return prior.tower.embed(windows).cpu(), of_truth.mean((1, 2, 3))
    tokens = density_map.token_embeddings(prior.tower, pixels, builder, density_map.DenseOptions())
    local = F.interpolate(torch.from_numpy(density)[None, None], tokens.shape[:2], mode="area")
    return F.normalize(tokens.flatten(0, 1).float(), dim=-1).cpu(), local.flatten()


def _loss(sides: Tensor, data: Labelled) -> Tensor:
    """Cross-entropy, each side counting by half however often it occurs."""
    losses = F.binary_cross_entropy_with_logits(_logits(sides, data.embeddings), data.hazy, reduction="none")
    halves = [losses[data.hazy == side].mean() for side in (0, 1) if bool((data.hazy == side).any())]
    return torch.stack(halves).mean()


def _logits(sides: Tensor, embeddings: Tensor) -> Tensor:
    """(n,): how much likelier haze is, as `scoring.p_hazy` reckons."""
    cosines = TEMPERATURE * embeddings @ F.normalize(sides, dim=-1).T
    return cosines[:, 1] - cosines[:, 0]


def _right(sides: Tensor, data: Labelled) -> float:
    right = (_logits(sides, data.embeddings) > 0) == (data.hazy > 0)
    return float(torch.stack([right[data.hazy == side].float().mean() for side in (0, 1)]).nanmean())


if __name__ == "__main__":
    typer.run(prompts)
