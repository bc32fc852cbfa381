"""Score weights, or the output folders of any tool, on pairs of hazy and clear photos.

    python -m training.evaluate DATA                         # the embedded default weights
    python -m training.evaluate DATA --weights RUN.safetensors --resolution full
    python -m training.evaluate DATA --clip ViT-B-32         # instructed by CLIP
    python -m training.evaluate DATA --outputs FOLDER        # FOLDER/SET/STEM.*, made by any tool

Protocol: RGB PSNR on the 8-bit output, mean of the images' own PSNR; SSIM by scikit-image (Gaussian window, sigma 1.5);
mean CIEDE2000; no cropping, no resizing. For sets of clear photos, output against input (do no harm). Worst: the gain
of the worst image, PSNR out minus PSNR in, and the mean of the worst tenth of the images; of clear photos, their PSNR.
"""

import json
import math
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.prior.clip_model import ClipPrior
from training.arguments import existing_folder
from training.metrics import psnr, quality
from training.pairs import PairSet, find_sets, read_rgb
from training.wrong_maps import WRONG_MAPS, costs

LIBRARIES = ("torch", "pillow", "opencv-python-headless", "scikit-image", "numpy")
DehazeFile = Callable[[str, Path], NDArray[np.uint8]]


@dataclass(frozen=True)
class SetScore:
    """Means over a set's images; gains are per-image PSNR out minus PSNR in. `worst_tenth` is the mean of the smallest
    gains, or of the lowest PSNR where the photos are clear."""

    images: int
    psnr_in: float | None
    psnr: float
    ssim: float
    ciede2000: float
    worst_gain: float | None
    worst_image: str
    worst_tenth: float


def score_set(pairs: PairSet, dehaze_file: DehazeFile) -> SetScore:
    """Dehaze and score every image of a set."""
    scores, inputs = [], []
    for hazy, clear in pairs.pairs:
        truth = read_rgb(clear)
        scores.append(quality(dehaze_file(pairs.name, hazy), truth))
        inputs.append(psnr(read_rgb(hazy), truth))
    out = np.array([score.psnr for score in scores])
    judged = out if pairs.clear_only else out - inputs
    worst = int(np.argmin(judged))
    return SetScore(
        images=len(scores),
        psnr_in=None if pairs.clear_only else float(np.mean(inputs)),
        psnr=float(out.mean()),
        ssim=float(np.mean([score.ssim for score in scores])),
        ciede2000=float(np.mean([score.ciede2000 for score in scores])),
        worst_gain=None if pairs.clear_only else float(out[worst] - inputs[worst]),
        worst_image=pairs.pairs[worst][0].name,
        worst_tenth=float(np.sort(judged)[: math.ceil(len(judged) / 10)].mean()),
    )


def evaluate(
    data: Annotated[Path, existing_folder("Folder of sets, each with hazy/ and clear/, or of clear photos.")],
    model: str = "tiny",
    weights: Annotated[Path | None, typer.Option(help="Score these weights instead of the named ones.")] = None,
    outputs: Annotated[Path | None, typer.Option(help="Score a tool's outputs, FOLDER/SET/STEM.*, instead.")] = None,
    resolution: str = "auto",
    wrong_maps: Annotated[
        bool, typer.Option(help="Print what each kind of wrong density map costs instead, in dB.")
    ] = False,
    clip: Annotated[str | None, typer.Option(help="CLIP model that instructs the network.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print the scores of every set."""
    if clip is not None and (wrong_maps or outputs is not None):
        raise typer.BadParameter("--clip goes neither with --wrong-maps nor with --outputs")
    if outputs is not None:
        dehaze_file = _reader(outputs)
    else:
        dehazer = Dehazer.from_pretrained(model, weights=weights, resolution=resolution)
        if wrong_maps:
            typer.echo(costs_table({pairs.name: costs(dehazer, pairs) for pairs in find_sets(data)}))
            return
        if clip is not None:
            dehazer.instruct(ClipPrior.from_cache(clip, device=dehazer.device))
        dehaze_file = dehaze_files(dehazer)
    scores = {pairs.name: score_set(pairs, dehaze_file) for pairs in find_sets(data)}
    versions = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    if as_json:
        sets = {name: asdict(score) for name, score in scores.items()}
        typer.echo(json.dumps({"versions": versions, "resolution": resolution, "sets": sets}, indent=2))
    else:
        typer.echo(table(scores))
        typer.echo("  ".join(f"{name} {number}" for name, number in versions.items()))


def table(scores: dict[str, SetScore]) -> str:
    """A Markdown table of scores."""
    lines = [
        "| set | images | PSNR in | PSNR out | SSIM | CIEDE2000 | worst gain (image) | worst tenth |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, s in scores.items():
        before = "-" if s.psnr_in is None else f"{s.psnr_in:.2f}"
        worst = "-" if s.worst_gain is None else f"{s.worst_gain:+.2f}"
        tenth = f"{s.worst_tenth:.2f}" if s.worst_gain is None else f"{s.worst_tenth:+.2f}"
        lines.append(
            f"| {name} | {s.images} | {before} | {s.psnr:.2f} | {s.ssim:.4f} | {s.ciede2000:.2f} "
            f"| {worst} ({s.worst_image}) | {tenth} |"
        )
    return "\n".join(lines)


def costs_table(costs_of: dict[str, dict[str, float]]) -> str:
    """A Markdown table of what wrong maps cost, a row a set."""
    names = list(WRONG_MAPS)
    lines = ["| set | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    lines += [
        f"| {name} | " + " | ".join(f"{cost[kind]:.2f}" for kind in names) + " |" for name, cost in costs_of.items()
    ]
    return "\n".join(lines)


def dehaze_files(dehazer: Dehazer) -> DehazeFile:
    """Dehaze by the product itself."""

    def dehaze_file(_: str, hazy: Path) -> NDArray[np.uint8]:
        image: NDArray[np.uint8] = dehazer.dehaze(read_rgb(hazy)).image
        return image

    return dehaze_file


def _reader(outputs: Path) -> DehazeFile:
    def read_output(name: str, hazy: Path) -> NDArray[np.uint8]:
        found = sorted((outputs / name).glob(f"{hazy.stem}.*"))
        if not found:
            raise typer.BadParameter(f"no output for {hazy} in {outputs / name}")
        return read_rgb(found[0])

    return read_output


if __name__ == "__main__":
    typer.run(evaluate)
