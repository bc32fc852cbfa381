"""Working resolution against quality and time, to choose the default from.

    python -m benchmarks.working_resolution DATA --side 256 --side 384 --side 512

The guided path loses little where its PSNR stays near that of `full`, the network at the image's own size. The images
of DATA are small; what a camera's photo costs is timed on a large one.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.made import made_pixels
from benchmarks.timing import machine, medians
from cliphaze_cli.dehazer import Dehazer
from training.evaluate import dehaze_files, score_set
from training.pairs import find_sets


def main(
    data: Annotated[Path, typer.Argument(help="Folder of sets with hazy/ and clear/.")],
    side: Annotated[list[int], typer.Option(help="Working resolution to try; repeatable.")],
    weights: Path | None = None,
    size: Annotated[float, typer.Option(help="Megapixels of the photo that is timed.")] = 12,
    threads: int | None = None,
    runs: int = 3,
) -> None:
    """Print each set's mean PSNR and the seconds of a large photo at each working resolution."""
    if threads is not None:
        torch.set_num_threads(threads)
    sets, photo = list(find_sets(data)), made_pixels(size)
    typer.echo(machine())
    names = " | ".join(pairs.name for pairs in sets)
    typer.echo(f"| long side | {names} | seconds for {size:g} megapixels |\n|---|{'---|' * len(sets)}---|")
    dehazers = {name: Dehazer.from_pretrained(weights=weights, resolution=name) for name in (*map(str, side), "full")}
    seconds = medians({name: partial(dehazer.dehaze, photo) for name, dehazer in dehazers.items()}, runs)
    for name, dehazer in dehazers.items():
        scores = " | ".join(f"{score_set(pairs, dehaze_files(dehazer)).psnr:.2f}" for pairs in sets)
        typer.echo(f"| {name} | {scores} | {seconds[name]:.2f} |")


if __name__ == "__main__":
    typer.run(main)
