"""What brings a second core to training: two threads, or two processes that share the batches of each step.

    python -m benchmarks.training PACK.npz

Seconds a batch, of steps after the first ones, which pay for starting.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.timing import machine, ratios

WARM_UP, MEASURED = 10, 40  # batches
CANDIDATES = {
    "one core": ["--threads", "1"],
    "two threads": ["--threads", "2"],
    "two processes": ["--processes", "2", "--set", "batches_per_step=2"],
}


def training(pack: Annotated[Path, typer.Argument(help="Made by training.prepare.")]) -> None:
    """Print what a batch takes."""
    seconds = {}
    for name, options in CANDIDATES.items():
        first, all_ = (_seconds(pack, batches, options) for batches in (WARM_UP, WARM_UP + MEASURED))
        seconds[name] = (all_ - first) / MEASURED
    typer.echo(machine())
    typer.echo("\n".join(ratios(seconds)))


def _seconds(pack: Path, batches: int, options: list[str]) -> float:
    """A run's, start included."""
    steps = batches // 2 if "--processes" in options else batches
    threads = options[1] if options[0] == "--threads" else "1"
    fixed = ["--set", "scenes.large_from=0", "--steps", str(steps)]
    with tempfile.TemporaryDirectory() as run:
        command = [sys.executable, "-m", "training.train", str(pack), run, *fixed, *options]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": threads})
        return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(training)
