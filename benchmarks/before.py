"""Is the network faster than that of another checkout? Core-seconds of both, in turn, in a process each.

    git worktree add ../before HEAD~5
    python -m benchmarks.before ../before
    python -m benchmarks.before ../before --variant small --threads 2

Both draw the same random weights, and the largest difference of their maps is printed too.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.timing import machine
from cliphaze_cli.network.config import VARIANTS

# Answers each line with the core-seconds of one run, and at the end of its input saves the maps of the last.
CHILD = """
import ast, sys, time, torch
from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.network.config import CLIPHazeConfig
try:
    from cliphaze_cli.system.allocator import tune_allocator
except ImportError:  # where it lay before
    from cliphaze_cli.system.devices import tune_allocator
threads, side, config, file = sys.argv[1:]
torch.set_num_threads(int(threads))
tune_allocator()
torch.manual_seed(0)
network = CLIPHaze(CLIPHazeConfig(**ast.literal_eval(config))).eval().requires_grad_(False)
torch.nn.init.normal_(network.head.weight, std=0.01)
network = network.to(memory_format=torch.channels_last)
hazy = torch.rand(1, 3, int(side), int(side)).contiguous(memory_format=torch.channels_last)
with torch.inference_mode():
    for _ in sys.stdin:
        start = time.process_time()
        maps = torch.cat(network(hazy), 1)
        print(time.process_time() - start, flush=True)
torch.save(maps.clone(), file)
"""


class Checkout:
    """A process that runs the network of one checkout whenever it is asked to."""

    def __init__(self, folder: Path, variant: str, side: int, threads: int, maps: Path) -> None:
        self.maps = maps
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(threads), str(side), repr(asdict(VARIANTS[variant])), str(maps)],
            env=os.environ | {"PYTHONPATH": str(folder)},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def core_seconds(self) -> float:
        """Of one run."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def last_maps(self) -> torch.Tensor:
        """K and B of the last run, (1, 6, H, W); ends the process."""
        self.process.communicate()
        maps: torch.Tensor = torch.load(self.maps, weights_only=True)
        return maps


def main(
    before: Annotated[Path, typer.Argument(help="Root folder of the other checkout.", exists=True, file_okay=False)],
    variant: Annotated[list[str] | None, typer.Option(help="Variant to time; repeatable.")] = None,
    side: Annotated[int, typer.Option(help="Rows and columns of the image, at native size.")] = 1024,
    threads: int = 1,
    runs: int = 7,
) -> None:
    """Compare this checkout with another one."""
    typer.echo(f"{machine()}; {threads} threads in the children, {side}x{side}")
    typer.echo("| variant | before | after | ratio (median of pairs) | least of each | ratio | largest difference |")
    typer.echo("|---|---|---|---|---|---|---|")
    for name in variant or ["tiny", "small"]:
        with tempfile.TemporaryDirectory() as folder:
            old, new = (
                Checkout(root.resolve(), name, side, threads, Path(folder) / file)
                for root, file in ((before, "before"), (Path(__file__).parents[1], "after"))
            )
            pairs = [(old.core_seconds(), new.core_seconds()) for _ in range(runs + 2)][2:]  # two to warm up
            difference = (old.last_maps() - new.last_maps()).abs().max().item()
        first, second = zip(*pairs, strict=True)
        typer.echo(
            f"| {name} | {statistics.median(first):.3f} | {statistics.median(second):.3f} "
            f"| {statistics.median(y / x for x, y in pairs):.3f} "
            f"| {min(first):.3f}; {min(second):.3f} | {min(second) / min(first):.3f} | {difference:.1e} |"
        )


if __name__ == "__main__":
    typer.run(main)
