"""What a large photo costs: seconds of each stage, one thread and all, and the command's peak memory.

python -m benchmarks.photos
python -m benchmarks.photos --size 100 --sixteen-bit --density
"""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import processes
from benchmarks.made import make_photo
from benchmarks.stages import stage_seconds, use_threads
from benchmarks.timing import machine
from cliphaze_cli.dehazer import Dehazer


def main(
    size: Annotated[
        list[float] | None, typer.Option(help="Megapixels; repeatable.", show_default="12, 24, 100")
    ] = None,
    runs: int = 3,
    sixteen_bit: Annotated[bool, typer.Option(help="16-bit TIFF instead of 8-bit JPEG.")] = False,
    density: Annotated[bool, typer.Option(help="With density maps, in the table of memory.")] = False,
) -> None:
    """Print a table of stages (in one warm process) and one of whole commands."""
    dehazer = Dehazer.from_pretrained()
    extension = ".tif" if sixteen_bit else ".jpg"
    everything = os.cpu_count() or 1
    typer.echo(machine())
    typer.echo("| megapixels | threads | read | network | apply | write | seconds |\n|---|---|---|---|---|---|---|")
    memory = [
        "| megapixels | command, seconds | the command itself, peak MB | all its processes, peak MB |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"out{extension}")
        for megapixels in size or (12, 24, 100):
            source = make_photo(Path(folder, f"in{extension}"), megapixels, sixteen_bit=sixteen_bit)
            for threads in sorted({1, everything}):
                use_threads(threads)
                seconds = stage_seconds(dehazer, source, target, runs)
                cells = " | ".join(f"{value:.2f}" for value in (*seconds.values(), sum(seconds.values())))
                typer.echo(f"| {megapixels:g} | {threads} | {cells} |")
            command = [*processes.CLIPHAZE, "dehaze", "--quiet", "--overwrite", "--no-clip", str(source), str(target)]
            usage = processes.run([*command, "--density"] if density else command)
            memory.append(f"| {megapixels:g} | {usage.seconds:.1f} | {usage.own} | {usage.total} |")
    typer.echo("\n".join(["", *memory]))


if __name__ == "__main__":
    typer.run(main)
