"""What writing a photo costs in each format, in core-seconds, and how large the file is; against another checkout's.

    python -m benchmarks.writing
    python -m benchmarks.writing --before ../before

Checkouts write in turn, in a process each, all on one core.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.made import made_pixels
from benchmarks.timing import machine

KINDS = {"8": ".jpg .png .tif .webp", "16": ".png .tif", "8 carried to 16": ".png .tif"}
# Answers each line, a file's extension, with the core-seconds of writing the photo so, and the bytes.
CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.formats import format_of_name
from cliphaze_cli.imaging.photo import Photo
pixels = np.load(sys.argv[1])
for line in sys.stdin:
    path = Path(sys.argv[2] + line.strip())
    photo = Photo(pixels, None, False, None, None, format_of_name(path))
    start = time.process_time()
    files.write(photo, path)
    print(time.process_time() - start, path.stat().st_size, flush=True)
"""


class Writer:
    """A process that writes one photo by the code of one checkout whenever it is asked to."""

    def __init__(self, checkout: Path, pixels: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(pixels), str(pixels.with_suffix(f".{id(self)}"))],
            env=os.environ | {"PYTHONPATH": str(checkout)},
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write(self, extension: str) -> tuple[float, int]:
        """(core-seconds, bytes)."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(extension + "\n")
        self.process.stdin.flush()
        seconds, size = self.process.stdout.readline().split()
        return float(seconds), int(size)


def photos(megapixels: float) -> dict[str, NDArray[Any]]:
    """The same picture in 8 bits, in 16 with noise down to the last one, and in 16 that repeat the 8."""
    plain = made_pixels(megapixels)
    noise = np.random.default_rng(0).integers(0, 257, plain.shape, np.uint16)
    carried = plain.astype(np.uint16) * np.uint16(257)
    return {"8": plain, "16": cv2.subtract(carried, noise), "8 carried to 16": carried}


def main(
    before: Annotated[Path | None, typer.Option(help="Root folder of another checkout.", exists=True)] = None,
    size: Annotated[float, typer.Option(help="Megapixels.")] = 12,
    runs: int = 3,
) -> None:
    """Print core-seconds and the file's size for each format."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    here = Path(__file__).parents[1]
    typer.echo(f"{machine()}; {size:g} megapixels; core-seconds: median of {runs}")
    typer.echo("| photo | before | MB | now | MB | ratio | ratio of MB |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for bits, pixels in photos(size).items():
            file = Path(folder, "pixels.npy")
            np.save(file, pixels)
            old, new = (Writer((checkout or here).resolve(), file) for checkout in (before, here))
            for extension in KINDS[bits].split():
                pairs = [(old.write(extension), new.write(extension)) for _ in range(runs + 1)][1:]  # one to warm up
                first, second = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
                (_, large), (_, small) = pairs[-1]
                typer.echo(
                    f"| {extension[1:].upper()}, {bits} bits | {first:.2f} | {large / 1e6:.1f} | {second:.2f} "
                    f"| {small / 1e6:.1f} | {second / first:.2f} | {small / large:.2f} |"
                )
            for one in (old, new):
                one.process.communicate()


if __name__ == "__main__":
    typer.run(main)
