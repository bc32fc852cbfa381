"""Working resolution against quality and time, to choose the default from.

    python -m benchmarks.working_resolution DATA --side 256 --side 384 --side 512

The guided path loses little where its PSNR stays near that of `full`, the network at the image's own size.
"""

import time
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.timing import machine
from cliphaze_cli.dehazer import Dehazer
from training.evaluate import dehaze_files, score_set
from training.pairs import find_sets, read_rgb


def main(
    data: Annotated[Path, typer.Argument(help="Folder of sets with hazy/ and clear/.")],
    side: Annotated[list[int], typer.Option(help="Working resolution to try; repeatable.")],
    weights: Path | None = None,
    threads: int = 1,
) -> None:
    """Print PSNR and seconds per image of each set at each working resolution."""
    torch.set_num_threads(threads)
    typer.echo(machine())
    typer.echo("| set | working resolution | PSNR | seconds per image | ratio to full |\n|---|---|---|---|---|")
    for pairs in find_sets(data):
        full_seconds = None
        for resolution in ("full", *(str(value) for value in side)):
            dehazer = Dehazer.from_pretrained(weights=weights, resolution=resolution)
            images = [read_rgb(hazy) for hazy, _ in pairs.pairs]
            start = time.perf_counter()
            for image in images:
                dehazer.dehaze(image)
            seconds = (time.perf_counter() - start) / len(images)
            full_seconds = full_seconds or seconds
            score = score_set(pairs, dehaze_files(dehazer))
            typer.echo(
                f"| {pairs.name} | {resolution} | {score.psnr:.2f} | {seconds:.3f} | {seconds / full_seconds:.2f} |"
            )


if __name__ == "__main__":
    typer.run(main)
