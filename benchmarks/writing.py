"""What writing a photo costs in each format, on one core and on all: PNG and TIFF are compressed side by side.

python -m benchmarks.writing
"""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated
from unittest import mock

import typer

from benchmarks.made import made_pixels
from benchmarks.timing import machine, medians
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.writers import side_by_side

FORMATS = {
    "JPEG": (8, ".jpg"),
    "PNG": (8, ".png"),
    "PNG 16": (16, ".png"),
    "TIFF 16": (16, ".tif"),
    "WEBP": (8, ".webp"),
}


def main(
    size: Annotated[float, typer.Option(help="Megapixels.")] = 12,
    runs: int = 3,
) -> None:
    """Print seconds and the file's size for each format."""
    typer.echo(f"{machine()}; {size:g} megapixels")
    typer.echo("| format | one core, seconds | all cores | ratio | MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (bits, extension) in FORMATS.items():
            photo = Photo(made_pixels(size, sixteen_bit=bits == 16), None, False, None, None, name.split()[0])
            path = Path(folder, f"photo{extension}")
            write = partial(files.write, photo, path)
            one_core = mock.patch.object(side_by_side, "usable_cores", lambda: 1)
            seconds = medians({"one": one_core(write), "all": write}, runs)
            typer.echo(
                f"| {name} | {seconds['one']:.2f} | {seconds['all']:.2f} "
                f"| {seconds['all'] / seconds['one']:.2f} | {path.stat().st_size / 1e6:.1f} |"
            )


if __name__ == "__main__":
    typer.run(main)
