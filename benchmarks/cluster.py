"""What does a cluster cost and bring: workers of Ray against the pool, a machine that dies, the driver's limits?

    python -m benchmarks.cluster photos --count 60
    python -m benchmarks.cluster driver --count 10000
    python -m benchmarks.cluster memory --count 100000

Machines are processes here, of one core each. Wall times mean something only where each has a core to itself; the
core-seconds of all processes do in any case.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from benchmarks.made import make_photo
from benchmarks.processes import family
from benchmarks.timing import machine
from cliphaze_cli.batch import dehazing
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.naming import PhotoNames
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.plan import plan_pairs
from cliphaze_cli.batch.pool import Pool
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.batch.worker import Prepared
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.dehaze import COMMAND
from cliphaze_cli.cli.pictures import Pictures
from cliphaze_cli.cli.run_batch import run_batch
from cliphaze_cli.cluster import ray_cluster
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.cluster.executor import Cluster
from cliphaze_cli.cluster.worker import ClusterWorker, Started
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import BatchReport, FileResult
from cliphaze_cli.report.settings import Settings
from tests.cluster.machines import Machines

app = typer.Typer(no_args_is_help=True)
OPTIONS = WorkOptions(dehazing.load, Settings(), "cpu", Limits(), overwrite=True)
FOLDER = 1000  # photos in each, where only their names matter
DIES = "Ray, two machines, one of which dies"
_TICKS = os.sysconf("SC_CLK_TCK")


@app.command()
def photos(count: int = 60, size: float = 0.5) -> None:
    """Print what so many photos of `size` megapixels take: without Ray, on one machine, on two, and if one dies."""
    with tempfile.TemporaryDirectory() as folder:
        source = make_photo(Path(folder, "in.jpg"), size)
        jobs = [Job(source, Path(folder, f"{number}.jpg")) for number in range(count)]
        typer.echo(f"{machine()}; {count} photos of {size:g} megapixels, workers warm")
        typer.echo("| photos worked on by | seconds | ratio | core-seconds | ratio |\n|---|---|---|---|---|")
        first: tuple[float, float] | None = None

        def tell(name: str, executor: "Pool | Cluster", workers: int, happens: Callable[[int], object]) -> None:
            nonlocal first
            done: list[FileResult] = []

            def on_result(result: FileResult) -> None:
                assert result.status == "done", result.reason
                done.append(result)
                happens(len(done))

            with executor:
                while getattr(executor, "machines", workers) < workers:
                    executor.run(jobs[:1], lambda result: None)
                executor.run(jobs[:4], lambda result: None)
                cores, start = _core_seconds(), time.perf_counter()
                executor.run(jobs, on_result)
                found = time.perf_counter() - start, _core_seconds() - cores
            assert len(done) == count
            first = first or found
            cells = [f"{value:.1f} | {value / of:.2f}" for value, of in zip(found, first, strict=True)]
            if name == DIES:
                cells[1] = "- | -"  # what a killed process took is not known any more
            typer.echo(f"| {name} | {' | '.join(cells)} |")

        tell("the pool, one process", Pool(OPTIONS, Shares(1, 1, None)), 1, lambda number: None)
        with _machines() as made:
            tell("Ray, one machine", _cluster(made, 1), 1, lambda number: None)
            tell("Ray, two machines", _cluster(made), 2, lambda number: None)
            dies = count // 2
            tell(DIES, _cluster(made), 2, lambda number: made.kill() if number == dies else None)


@app.command()
def driver(count: int = 10_000) -> None:
    """Print how many results the driver takes from two workers whose work is nothing, and its memory."""
    ray_cluster.ClusterWorker = EmptyWorker  # type: ignore[misc]
    with _machines() as made, _cluster(made) as executor:
        jobs = (Job(Path("in", f"{number:07}.jpg"), Path("out", f"{number:07}.jpg")) for number in range(count))
        seen = 0

        def on_result(result: FileResult) -> None:
            nonlocal seen
            seen += 1

        before, cores, start = _peak_megabytes(), time.process_time(), time.perf_counter()
        executor.run(jobs, on_result, keep=False)
        seconds, cores = time.perf_counter() - start, time.process_time() - cores
        assert seen == count
        typer.echo(
            f"{count} results: {count / seconds:.0f} a second; {count / cores:.0f} for each core-second of the driver; "
            f"its peak {before:.0f} MB before, {_peak_megabytes():.0f} MB after"
        )


@app.command()
def memory(count: int = 100_000, report: str = "report.jsonl") -> None:
    """Print the peak memory of a command whose photos take no time, by the kind of its report."""
    from cliphaze_cli.cli import run_batch as module

    module._executor = lambda *_: Nothing()  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        start = _peak_megabytes()
        names = (Path(f"{number // FOLDER:05}", f"{number:07}.jpg") for number in range(count))
        pairs = ((Path("in", name), Path("out", name)) for name in names)
        work = plan_pairs(pairs, PhotoNames())
        planned = _peak_megabytes()
        run_batch(COMMAND, work, OPTIONS, Console(-1), jobs=1, report=Path(report), pictures=Pictures())
        typer.echo(
            f"{count} photos, {report}: peak {start:.0f} MB at the start, {planned:.0f} MB once planned, "
            f"{_peak_megabytes():.0f} MB at the end"
        )
        os.chdir("/")


class EmptyWorker(ClusterWorker):
    """Works on nothing."""

    def prepare(self, carried: Any, memory: int | None) -> Started:
        """Load nothing."""
        return Started(("", os.getpid()), Prepared({}, "", ()))

    def work(self, job: Job, alone: bool, again: bool) -> FileResult:
        """Do nothing."""
        return _done(job)


class Nothing:
    """An executor that does nothing."""

    prepared = Prepared({"model": "none", "clip": None}, "", ())

    def __enter__(self) -> "Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(
        self, jobs: Any, on_result: Callable[[FileResult], object], on_frames: object, *, keep: bool
    ) -> BatchReport:
        """Call `on_result` as other processes do, whose results are new objects."""
        for job in jobs:
            on_result(_done(Job(Path(str(job.source)), Path(str(job.target)))))
        return BatchReport(())


def _done(job: Job) -> FileResult:
    details = {"density_mean": 0.5, "density_source": "model"}
    return FileResult(
        job.source, job.target, "done", size=(4000, 3000), source_bytes=1, target_bytes=1, details=details
    )


def _cluster(made: Machines, most: int | None = None) -> Cluster:
    return Cluster(OPTIONS, ClusterChoice(made.address, most=most), lambda line: typer.echo(line, err=True))


@contextmanager
def _machines() -> Iterator[Machines]:
    made = Machines()
    try:
        yield made
    finally:
        made.close()


def _core_seconds() -> float:
    """Of this process, of all that it started, and of what those started that ended."""
    total = 0
    for process in family(os.getpid()):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    app()
