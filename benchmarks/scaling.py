"""From small to huge: what a megapixel costs must not grow with the photo.

python -m benchmarks.scaling
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.made import make_photo
from benchmarks.stages import stage_seconds, use_threads
from benchmarks.timing import machine
from cliphaze_cli.dehazer import Dehazer

SIZES = (0.25, 0.5, 1, 3, 6, 12, 24, 50, 100)


def main(
    size: Annotated[
        list[float] | None, typer.Option(help="Megapixels; repeatable.", show_default="0.25 to 100 in nine steps")
    ] = None,
    runs: int = 3,
    threads: int = 1,
) -> None:
    """Print seconds of a JPEG's whole cost, in one warm process, and what that is per megapixel."""
    use_threads(threads)
    dehazer = Dehazer.from_pretrained()
    typer.echo(machine())
    typer.echo(
        "| megapixels | seconds | network | the rest, per megapixel | all, per megapixel |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in size or SIZES:
            source = make_photo(Path(folder, "in.jpg"), megapixels)
            seconds = stage_seconds(dehazer, source, Path(folder, "out.jpg"), runs)
            total, network = sum(seconds.values()), seconds["network"]
            rest = (total - network) / megapixels
            typer.echo(f"| {megapixels:g} | {total:.2f} | {network:.2f} | {rest:.3f} | {total / megapixels:.3f} |")


if __name__ == "__main__":
    typer.run(main)
