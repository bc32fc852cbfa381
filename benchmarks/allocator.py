"""What `tune_allocator` wins: glibc otherwise maps and faults large blocks anew at every operation.

python -m benchmarks.allocator
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.made import make_photo
from benchmarks.timing import machine, ratios

# The setting cannot be taken back within a process, so each candidate is a process of its own.
CHILD = """
import statistics, sys, time
from cliphaze_cli.system.allocator import tune_allocator
if sys.argv[1] == "tuned":
    tune_allocator()
{prepare}
seconds = []
for _ in range(6):
    start = time.perf_counter()
    work()
    seconds.append(time.perf_counter() - start)
sys.stdout.write(str(statistics.median(seconds[1:])))
"""
NETWORK = """
import torch
from cliphaze_cli.network import checkpoint
from cliphaze_cli.hub import resolve_weights
side, threads = map(int, sys.argv[2:])
torch.set_num_threads(threads)
network = checkpoint.load(resolve_weights("tiny")).network.to(memory_format=torch.channels_last)
image = torch.rand(1, 3, side, side).contiguous(memory_format=torch.channels_last)
work = torch.inference_mode()(lambda: network(image))
"""
READING = """
from pathlib import Path
from cliphaze_cli.imaging.files import read
work = lambda: read(Path(sys.argv[2]))
"""


def main(
    side: Annotated[int, typer.Option(help="Rows and columns of the image, at native size.")] = 1024,
    threads: int = 1,
    rounds: int = 3,
) -> None:
    """Time the network, and reading a photo of 12 megapixels, with and without the setting, in turn."""
    typer.echo(f"{machine()}; {threads} threads in the children, {side}x{side}")
    with tempfile.TemporaryDirectory() as folder:
        photo = make_photo(Path(folder, "photo.jpg"), 12)
        for what, prepare, arguments in (
            ("network", NETWORK, (str(side), str(threads))),
            ("reading", READING, (str(photo),)),
        ):
            found: dict[str, list[float]] = {f"{what}, default": [], f"{what}, tuned": []}
            for _ in range(rounds):
                for name, seconds in found.items():
                    command = [sys.executable, "-c", CHILD.format(prepare=prepare), name.split()[-1], *arguments]
                    seconds.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            typer.echo("\n".join(ratios({name: sorted(seconds)[rounds // 2] for name, seconds in found.items()})))


if __name__ == "__main__":
    typer.run(main)
