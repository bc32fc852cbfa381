"""A folder of photos: do reading, dehazing and writing overlap, and what do several photos at a time bring?

    python -m benchmarks.folder --count 50
    python -m benchmarks.folder --count 200 --size 0.5
    python -m benchmarks.folder --count 16 --before ../other-checkout

The whole command is compared with what computing alone, and reading and writing alone, take one after the other.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import processes
from benchmarks.made import make_photo
from benchmarks.timing import machine
from cliphaze_cli.batch.crew import crew_for
from cliphaze_cli.batch.dehazing import dehazing
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.run import run
from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.imaging import imagefile
from cliphaze_cli.imaging.isolated import IsolatedReader
from cliphaze_cli.runtime import cores_for_each_thread, usable_cores

KINDS = 4  # of which the folder's photos are copies


def main(
    count: int = 50,
    size: Annotated[float, typer.Option(help="Megapixels of each photo.")] = 12,
    jobs: Annotated[int, typer.Option(help="Photos at a time, and processes to compare with.")] = os.cpu_count() or 1,
    before: Annotated[Path | None, typer.Option(help="Another checkout, whose commands are timed too.")] = None,
) -> None:
    """Print the folder's wall time, warm, against its parts, and the commands' wall times."""
    with tempfile.TemporaryDirectory() as folder:
        sources = _make_folder(Path(folder, "in"), count, size)
        (target := Path(folder, "out")).mkdir()
        compute, compute_as_in_crew, io, wall = _in_process(sources, target)
        slower = max(compute, io)
        typer.echo(f"{machine()}; {count} photos of {size:g} megapixels")
        typer.echo("| what | seconds | ratio |\n|---|---|---|")
        for name, seconds in (
            ("dehazing alone, all cores for each photo", compute),
            ("dehazing alone, as many cores for each as when all overlap", compute_as_in_crew),
            ("reading and writing alone", io),
            ("all, overlapping", wall),
        ):
            typer.echo(f"| {name} | {seconds:.2f} | {seconds / slower:.2f} |")
        folders = [sources[0].parent]
        parts = _split(sources, Path(folder, "parts"), jobs)
        seconds_of = {
            "--jobs 1": _commands(folders, target, "--jobs", "1"),
            f"--jobs {jobs}": _commands(folders, target, "--jobs", str(jobs)),
            f"{jobs} processes, one thread each": _commands(
                parts, target, "--jobs", "1", environment={"OMP_NUM_THREADS": "1"}
            ),
        }
        if before is not None:
            for number in ("1", str(jobs)):
                seconds_of[f"the other checkout, --jobs {number}"] = _commands(
                    folders, target, "--jobs", number, checkout=before.resolve()
                )
        typer.echo("\n| command, with its start | seconds | ratio |\n|---|---|---|")
        for name, seconds in seconds_of.items():
            typer.echo(f"| {name} | {seconds:.2f} | {seconds / seconds_of['--jobs 1']:.2f} |")


def _make_folder(folder: Path, count: int, size: float) -> list[Path]:
    folder.mkdir()
    sources = [folder / f"{number:04}.jpg" for number in range(count)]
    for number, path in enumerate(sources):
        if number < KINDS:
            make_photo(path, size, seed=number)
        else:
            shutil.copy(sources[number % KINDS], path)
    return sources


def _in_process(sources: list[Path], target: Path) -> tuple[float, float, float, float]:
    """Seconds of (computing alone, the same with a crew's cores, reading and writing alone, all together)."""
    process = dehazing(Dehazer.from_pretrained(), strength=1.0, maps=False)
    with IsolatedReader() as reader:
        kinds = [reader(path) for path in sources[:KINDS]]
        clear = [process(photo).photo for photo in kinds]

        def dehaze_one_by_one() -> None:
            for number in range(len(sources)):
                process(kinds[number % len(kinds)])

        compute = _seconds(dehaze_one_by_one)

        def read_and_write() -> None:
            for number, path in enumerate(sources):
                reader(path)
                imagefile.write(clear[number % len(clear)], target / path.name)

        io = _seconds(read_and_write)
        jobs = [Job(path, target / path.name) for path in sources]
        crew = crew_for(len(jobs), device="cpu", cores=usable_cores())
        with cores_for_each_thread(crew.cores_each):
            compute_as_in_crew = _seconds(dehaze_one_by_one)
            wall = _seconds(lambda: run(jobs, process, read=reader, write=imagefile.write, crew=crew))
    return compute, compute_as_in_crew, io, wall


def _split(sources: list[Path], folder: Path, parts: int) -> list[Path]:
    """As many folders, with the photos dealt out to them."""
    folders = [folder / str(part) for part in range(parts)]
    for number, path in enumerate(sources):
        (part := folders[number % parts]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, part)
    return folders


def _commands(
    folders: list[Path],
    target: Path,
    *options: str,
    environment: dict[str, str] | None = None,
    checkout: Path | None = None,
) -> float:
    """Wall seconds of a command for each folder, at the same time."""
    command = [*processes.CLIPHAZE, "dehaze", "-q", "--no-clip", "--overwrite", *options]
    commands = [[*command, str(one), str(target)] for one in folders]
    with ThreadPoolExecutor(len(commands)) as threads:
        return _seconds(
            lambda: list(threads.map(lambda command: processes.seconds(command, environment, checkout), commands))
        )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
