"""Small images in one tensor: does sending them through the network together pay?

python -m benchmarks.batching --threads 1
"""

import os
from typing import Annotated

import torch
import typer

from benchmarks.timing import machine, medians, ratios
from cliphaze_cli import Dehazer

CASES = ((16, 96), (16, 256), (4, 512))  # images, side


def main(
    rounds: Annotated[int, typer.Option(help="Pairs of measurements.")] = 5,
    threads: Annotated[int, typer.Option(help="Of PyTorch.")] = os.cpu_count() or 1,
    device: str = "cpu",
) -> None:
    """Print seconds of dehazing a batch image by image and together, and their ratio."""
    torch.set_num_threads(threads)
    dehazer = Dehazer.from_pretrained(device=device)
    typer.echo(f"{machine()}; {device}")
    for count, side in CASES:
        images = torch.rand(count, 3, side, side)
        seconds = medians(
            {
                "one by one": lambda images=images: [dehazer(image) for image in images],  # type: ignore[misc]
                "together": lambda images=images: dehazer(images),  # type: ignore[misc]
            },
            rounds,
        )
        typer.echo("\n".join([f"\n{count} images of {side}x{side}:\n", *ratios(seconds)]))


if __name__ == "__main__":
    typer.run(main)
