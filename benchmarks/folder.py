"""A folder of photos: do reading, dehazing and writing overlap, and what do several photos at a time bring?

    python -m benchmarks.folder --count 50
    python -m benchmarks.folder --count 200 --size 0.5

The whole command is compared with what computing alone, and reading and writing alone, take one after the other.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import processes
from benchmarks.made import KINDS, make_folder
from benchmarks.stages import use_threads
from benchmarks.timing import machine
from cliphaze_cli.batch import dehazing
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.pool import Pool
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import Settings

START_SECONDS = 5.0


def main(
    count: int = 50,
    size: Annotated[float, typer.Option(help="Megapixels of each photo.")] = 12,
    jobs: Annotated[int, typer.Option(help="Photos at a time, each in a process of its own.")] = os.cpu_count() or 1,
) -> None:
    """Print the folder's wall time, warm, against its parts, and the commands' wall times."""
    with tempfile.TemporaryDirectory() as folder:
        sources = make_folder(Path(folder, "in"), count, size)
        (target := Path(folder, "out")).mkdir()
        compute, compute_on_one, io = _in_process(sources, target)
        wall = _overlapping(sources, target, jobs)
        slower = max(compute, io)
        typer.echo(f"{machine()}; {count} photos of {size:g} megapixels")
        typer.echo("| what | seconds | ratio |\n|---|---|---|")
        for name, seconds in (
            ("dehazing alone, one after the other, all cores for each", compute),
            ("the same, one core for each", compute_on_one),
            ("reading and writing alone, one after the other", io),
            (f"all, overlapping, in {jobs} processes with one core each", wall),
        ):
            typer.echo(f"| {name} | {seconds:.2f} | {seconds / slower:.2f} |")
        seconds_of = {f"--jobs {number}": _command(sources[0].parent, target, number) for number in (1, jobs)}
        typer.echo("\n| command, with its start | seconds | ratio |\n|---|---|---|")
        for name, seconds in seconds_of.items():
            typer.echo(f"| {name} | {seconds:.2f} | {seconds / seconds_of['--jobs 1']:.2f} |")


def _in_process(sources: list[Path], target: Path) -> tuple[float, float, float]:
    """Seconds of (computing alone with all cores, with one core, reading and writing alone)."""
    dehazer = Dehazer.from_pretrained()
    kinds = [files.read(path) for path in sources[:KINDS]]
    clear = [files.with_pixels(photo, dehazer.dehaze(photo.pixels).image) for photo in kinds]

    def dehaze_one_by_one() -> None:
        for number in range(len(sources)):
            dehazer.dehaze(kinds[number % len(kinds)].pixels)

    def read_and_write() -> None:
        for number, path in enumerate(sources):
            files.read(path)
            files.write(clear[number % len(clear)], target / path.name)

    compute, io = _seconds(dehaze_one_by_one), _seconds(read_and_write)
    use_threads(1)
    compute_on_one = _seconds(dehaze_one_by_one)
    return compute, compute_on_one, io


def _overlapping(sources: list[Path], target: Path, workers: int) -> float:
    """Seconds of all together in worker processes that have loaded the network already."""
    options = WorkOptions(dehazing.load, Settings(no_clip=True), "cpu", Limits(), overwrite=True)
    jobs = [Job(path, target / path.name) for path in sources]
    with Pool(options, Shares(workers, cores_each=1, memory_each=None)) as pool:
        time.sleep(START_SECONDS)  # only the first is known to be ready
        return _seconds(lambda: pool.run(jobs, lambda result: None))


def _command(folder: Path, target: Path, jobs: int) -> float:
    """Wall seconds of the whole command."""
    options = ("-q", "--no-clip", "--overwrite", "--jobs", str(jobs))
    return processes.seconds([*processes.CLIPHAZE, "dehaze", *options, str(folder), str(target)])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
