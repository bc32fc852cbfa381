"""Does the real CLIP see haze, and does its map help? From a checkout with `pip install -e ".[train]"`:

    python -m benchmarks.clip DATA [--real FOLDER] [--clip ViT-B-32] [--limit N]

DATA: sets with hazy/ and clear/, and sets of clear photos (training/README.md). --real: hazy photos without truth. CLIP
is fetched where it is missing (605 MB). What it prints are Markdown tables to paste into docs/clip.md:

1. AUC of the mean map, hazy against clear photos, by builder (0.5 is blind, 1 perfect), and how saturated maps are;
2. rank correlation of the map with the true 1 - t on synthetic haze, within a photo and over photos' means;
3. PSNR without a map, with CLIP's by builder, with a random one, and with the truth coarsened;
4. cosine of a photo's embedding with that of its hazy version, as CLIP gives it and with degradation projected out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks.timing import machine
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.first_use import clip_file
from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.imaging.formats import format_of_name
from cliphaze_cli.prior import DEFAULT_MODEL, density_map
from cliphaze_cli.prior.clip_model import ClipPrior
from training.hazed import HazedPhoto, hazed_photo
from training.metrics import psnr
from training.pairs import PairSet, find_sets, read_rgb

COARSE = 14  # cells a side of the coarsened truth
UNEVEN = 0.02  # standard deviation of 1 - t within a photo, below which its ranks mean nothing
LOW, HIGH = 0.05, 0.95  # maps beyond these are saturated
Map = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photos:
    """Paths of hazy and of clear photos, and the sets of pairs with truth."""

    hazy: list[Path]
    clear: list[Path]
    pairs: list[PairSet]


def main(
    data: Annotated[Path, typer.Argument(help="Folder of sets with hazy/ and clear/, and of sets of clear photos.")],
    real: Annotated[Path | None, typer.Option(help="Folder of hazy photos without truth.")] = None,
    clip: Annotated[str, typer.Option(help="open_clip model, with or without :TAG.")] = DEFAULT_MODEL,
    limit: Annotated[int | None, typer.Option(help="Photos of each set, at most.")] = None,
    builder: Annotated[list[str] | None, typer.Option(help="Builders to try; default: all it can do.")] = None,
    weights: Annotated[Path | None, typer.Option(help="The network's weights; default: the embedded ones.")] = None,
) -> None:
    """Print what CLIP sees and what that brings."""
    prior = ClipPrior.from_cache(clip, verified=clip_file(clip, Console()))
    dehazer = Dehazer.from_pretrained(weights=weights)
    builders = [prior.choose_builder(name).name for name in builder or prior.builders]
    photos = _photos(data, real, limit)
    typer.echo(f"CLIP {prior.name}, sha256 {prior.sha256}; weights {dehazer.weights_name}, {machine()}\n")
    for lines in (
        seen(prior, photos, builders),
        ranked(prior, dehazer, photos.clear, builders),
        gains(prior, dehazer, photos, builders),
        embedded(prior, photos.clear),
    ):
        typer.echo("\n".join(lines) + "\n")


def seen(prior: ClipPrior, photos: Photos, builders: Sequence[str]) -> Iterator[str]:
    """Table 1."""
    counts = f"{len(photos.hazy)} hazy, {len(photos.clear)} clear photos"
    yield f"| maps of {counts} | AUC | mean, hazy | mean, clear | saturated |"
    yield "|---|---|---|---|---|"
    for name in builders:
        hazy, clear = (
            [prior.density(read_rgb(path), builder=name) for path in paths] for paths in (photos.hazy, photos.clear)
        )
        means = [[float(map_.mean()) for map_ in maps] for maps in (hazy, clear)]
        cells = np.concatenate([map_.ravel() for map_ in hazy + clear])
        saturated = np.mean((cells < LOW) | (cells > HIGH))
        yield f"| {name} | {auc(*means):.3f} | {np.mean(means[0]):.3f} | {np.mean(means[1]):.3f} | {saturated:.0%} |"


def ranked(prior: ClipPrior, dehazer: Dehazer, clear: Sequence[Path], builders: Sequence[str]) -> Iterator[str]:
    """Table 2, beside the network's own estimate."""
    from scipy.stats import spearmanr

    within: dict[str, list[float]] = {}
    means: dict[str, list[tuple[float, float]]] = {}
    for photo in _hazed(clear):
        maps = {name: prior.density(photo.hazy, builder=name) for name in builders}
        for name, map_ in {**maps, "the network's own": dehazer.estimate_density(photo.hazy)}.items():
            if photo.density.std() > UNEVEN:
                there = _resized(map_, photo.density.shape, cv2.INTER_LINEAR).ravel()[::17]
                within.setdefault(name, []).append(spearmanr(there, photo.density.ravel()[::17]).statistic)
            means.setdefault(name, []).append((float(map_.mean()), float(photo.density.mean())))
    yield "| rank correlation with the true 1 - t | within a photo | of photos' means |"
    yield "|---|---|---|"
    for name, pairs in means.items():
        over = spearmanr(*np.array(pairs).T).statistic if len(pairs) > 2 else float("nan")
        yield f"| {name} | {np.nanmean(within.get(name, [np.nan])):.3f} | {over:.3f} |"


def gains(prior: ClipPrior, dehazer: Dehazer, photos: Photos, builders: Sequence[str]) -> Iterator[str]:
    """Table 3: dB against no map, mean and worst."""
    columns = [*builders, "random", "truth coarsened"]
    yield "| PSNR | no map | " + " | ".join(columns) + " |"
    yield "|" + "---|" * (len(columns) + 2)
    samples: list[tuple[str, list[tuple[Pixels, Pixels, Map | None]]]]
    samples = [("synthetic haze", [(photo.hazy, photo.clear, photo.density) for photo in _hazed(photos.clear)])]
    samples += [(s.name, [(read_rgb(x), read_rgb(y), None) for x, y in s.pairs]) for s in photos.pairs]
    for name, rows in samples:
        scores: dict[str, list[float]] = {}
        for number, (hazy, truth, density) in enumerate(rows):
            maps: dict[str, Map | None] = {"none": None}
            maps |= {each: prior.density(hazy, builder=each) for each in builders}
            maps["random"] = np.random.default_rng(number).random((7, 7), dtype=np.float32)
            if density is not None:
                maps["truth coarsened"] = _resized(density, (COARSE, COARSE), cv2.INTER_AREA)
            for each, map_ in maps.items():
                scores.setdefault(each, []).append(psnr(dehazer.dehaze(hazy, density=map_).image, truth))
        cells = [_gain(scores["none"], scores.get(column)) for column in columns]
        yield f"| {name} | {np.mean(scores['none']):.2f} | " + " | ".join(cells) + " |"


def embedded(prior: ClipPrior, clear: Sequence[Path]) -> Iterator[str]:
    """Table 4."""
    raw, kept, clean = [], [], []
    for photo in _hazed(clear, seed=1):
        raw.append(float(_unit(prior, photo.hazy) @ _unit(prior, photo.clear)))
        clean.append(prior.embedding(photo.clear))
        kept.append(float(prior.embedding(photo.hazy) @ clean[-1]))
    yield "| cosine of embeddings | a photo and its hazy version | different photos |"
    yield "|---|---|---|"
    yield f"| as CLIP gives them | {np.mean(raw):.3f} | |"
    between = np.array(clean) @ np.array(clean).T
    others = between[~np.eye(len(clean), dtype=bool)]
    yield f"| degradation projected out | {np.mean(kept):.3f} | {others.mean() if others.size else np.nan:.3f} |"


def auc(hazy: Sequence[float], clear: Sequence[float]) -> float:
    """How likely a hazy photo's number is above a clear one's, ties counting half."""
    return float(np.mean([1.0 if h > c else 0.5 if h == c else 0.0 for h in hazy for c in clear]))


def _photos(data: Path, real: Path | None, limit: int | None) -> Photos:
    sets = find_sets(data)
    pairs = [
        PairSet(each.name, tuple(islice(each.pairs, limit)), each.clear_only) for each in sets if not each.clear_only
    ]
    hazy = [path for each in pairs for path, _ in each.pairs]
    if real is not None:
        hazy += list(islice((path for path in sorted(real.iterdir()) if format_of_name(path) is not None), limit))
    clear = sorted({path for each in sets for _, path in islice(each.pairs, limit)})
    if not hazy or not clear:
        raise typer.BadParameter(f"both hazy and clear photos are needed: {len(hazy)} and {len(clear)} found")
    return Photos(hazy, clear, pairs)


def _hazed(clear: Sequence[Path], seed: int = 0) -> Iterator[HazedPhoto]:
    return (hazed_photo(read_rgb(path), 1000 * seed + number) for number, path in enumerate(clear))


def _unit(prior: ClipPrior, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.inference_mode():
        whole = prior.tower.embed(density_map.whole_image_windows(pixels, prior.tower.image_size)).mean(0)
    vector: NDArray[np.float32] = (whole / whole.norm()).cpu().numpy()
    return vector


def _resized(map_: Map, size: tuple[int, ...], interpolation: int) -> Map:
    return np.asarray(cv2.resize(map_, (size[1], size[0]), interpolation=interpolation), np.float32)


def _gain(without: Sequence[float], found: Sequence[float] | None) -> str:
    if found is None:
        return "-"
    differences = np.subtract(found, without)
    return f"{differences.mean():+.2f} (worst {differences.min():+.2f})"


if __name__ == "__main__":
    typer.run(main)
