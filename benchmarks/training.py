"""What brings a second core to training: two threads, or two processes that share the batches of each step.

    python -m benchmarks.training PACK.npz

Seconds a batch, of steps after the first ones, which pay for starting.
"""

import sys
import tempfile
from pathlib import Path

import typer

from benchmarks.processes import seconds
from benchmarks.timing import machine, ratios
from training.arguments import Pack

WARM_UP, MEASURED = 10, 40  # batches
CANDIDATES = {"one core": (1, 1), "two threads": (2, 1), "two processes": (1, 2)}  # threads, processes


def training(pack: Pack) -> None:
    """Print what a batch takes."""
    taken = {}
    for name, (threads, processes) in CANDIDATES.items():
        first, all_ = (_seconds(pack, count, threads, processes) for count in (WARM_UP, WARM_UP + MEASURED))
        taken[name] = (all_ - first) / MEASURED
    typer.echo(machine())
    typer.echo("\n".join(ratios(taken)))


def _seconds(pack: Path, batches: int, threads: int, processes: int) -> float:
    """A run's, start included."""
    with tempfile.TemporaryDirectory() as run:
        command = [sys.executable, "-m", "training.train", str(pack), run, "--steps", str(batches // processes)]
        command += ["--threads", str(threads), "--processes", str(processes)]
        command += ["--set", f"batches_per_step={processes}", "--set", "scenes.large_from=0"]
        return seconds(command, {"OMP_NUM_THREADS": str(threads)})


if __name__ == "__main__":
    typer.run(training)
