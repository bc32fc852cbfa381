"""What `tune_allocator` wins: glibc otherwise maps and faults large blocks anew at every operation.

python -m benchmarks.allocator
"""

import subprocess
import sys
from typing import Annotated

import typer

from benchmarks.timing import machine, ratios

# The setting cannot be taken back within a process, so each candidate is a process of its own.
CHILD = """
import statistics, sys, time, torch
from cliphaze_cli.hub import resolve_weights
from cliphaze_cli import checkpoint
from cliphaze_cli.allocator import tune_allocator
torch.set_num_threads(int(sys.argv[3]))
if sys.argv[1] == "tuned":
    tune_allocator()
network = checkpoint.load(resolve_weights("tiny")).network.to(memory_format=torch.channels_last)
image = torch.rand(1, 3, int(sys.argv[2]), int(sys.argv[2])).contiguous(memory_format=torch.channels_last)
seconds = []
with torch.inference_mode():
    for _ in range(6):
        start = time.perf_counter()
        network(image)
        seconds.append(time.perf_counter() - start)
sys.stdout.write(str(statistics.median(seconds[1:])))
"""


def main(
    side: Annotated[int, typer.Option(help="Rows and columns of the image, at native size.")] = 1024,
    threads: int = 1,
    rounds: int = 3,
) -> None:
    """Time the network with and without the setting, in turn, and print the ratio."""
    found: dict[str, list[float]] = {"default": [], "tuned": []}
    for _ in range(rounds):
        for name, seconds in found.items():
            command = [sys.executable, "-c", CHILD, name, str(side), str(threads)]
            seconds.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    typer.echo(f"{machine()}; {threads} threads in the children, {side}x{side}")
    typer.echo("\n".join(ratios({name: sorted(seconds)[rounds // 2] for name, seconds in found.items()})))


if __name__ == "__main__":
    typer.run(main)
