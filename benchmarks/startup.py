"""How long people wait before anything happens: `--help`, and the first small photo in a new process.

python -m benchmarks.startup
"""

import statistics
import tempfile
from pathlib import Path

import typer

from benchmarks import processes
from benchmarks.made import make_photo
from benchmarks.timing import machine


def main(runs: int = 5) -> None:
    """Print median seconds of whole commands, each in a process of its own."""
    typer.echo(machine())
    typer.echo("| command | seconds (median) |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        photo = str(make_photo(Path(folder, "in.jpg"), 0.5))
        commands = {
            "cliphaze --help": ["--help"],
            "cliphaze dehaze, one photo of 0.5 megapixels": [
                "dehaze",
                "-q",
                "--no-clip",
                "--overwrite",
                photo,
                f"{folder}/out.jpg",
            ],
        }
        for name, arguments in commands.items():
            seconds = [processes.seconds([*processes.CLIPHAZE, *arguments]) for _ in range(runs + 1)][1:]
            typer.echo(f"| {name} | {statistics.median(seconds):.2f} |")


if __name__ == "__main__":
    typer.run(main)
