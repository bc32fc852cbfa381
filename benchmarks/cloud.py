"""Buckets instead of folders: what does the way there and back cost a batch of small photos?

    python -m benchmarks.cloud --count 40 --size 0.5

The store is moto on this machine, in a process of its own which shares its cores: a real one answers later, but
computes elsewhere.
"""

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from benchmarks import processes
from benchmarks.made import make_photo
from benchmarks.timing import machine, ratios

BUCKET = "photos"


def main(count: int = 40, size: float = 0.5, jobs: int = 1, runs: int = 3) -> None:
    """Print what the command takes between folders and between buckets: wall seconds, and core-seconds without those of
    the store. size: in megapixels."""
    with tempfile.TemporaryDirectory() as folder, store() as environment:
        os.environ.update(environment)
        source = Path(folder, "in")
        source.mkdir()
        fill(source, count, size)
        places = {
            "from folder to folder": (str(source), f"{folder}/out"),
            "from bucket to folder": (f"s3://{BUCKET}/in", f"{folder}/out"),
            "from folder to bucket": (str(source), f"s3://{BUCKET}/out"),
            "from bucket to bucket": (f"s3://{BUCKET}/in", f"s3://{BUCKET}/out"),
        }
        wall: dict[str, list[float]] = {name: [] for name in places}
        cores: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(runs):
            for name, pair in places.items():
                command = [*processes.CLIPHAZE, "dehaze", "-q", "--overwrite", "--jobs", str(jobs), *pair]
                before = core_seconds()
                wall[name].append(processes.seconds(command))
                cores[name].append(core_seconds() - before)
        typer.echo(f"{machine()}; {count} photos of {size:g} megapixels, --jobs {jobs}, {runs} runs in turn")
        for what, seconds in (("wall seconds", wall), ("core-seconds", cores)):
            typer.echo(f"\n{what}:\n")
            typer.echo("\n".join(ratios({name: statistics.median(each) for name, each in seconds.items()})))


def core_seconds() -> float:
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fill(folder: Path, count: int, size: float) -> None:
    """The same photos in a folder and in the bucket."""
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    for number in range(count):
        photo = make_photo(folder / f"{number:03}.jpg", size, seed=number)
        client.upload_file(str(photo), BUCKET, f"in/{photo.name}")


@contextmanager
def store() -> Iterator[dict[str, str]]:
    """A store in a process of its own, and the environment that leads there."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = next(found for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        try:
            yield {
                "AWS_ENDPOINT_URL": address[0],
                "AWS_ACCESS_KEY_ID": "none",
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            process.kill()
            drain.wait()


if __name__ == "__main__":
    typer.run(main)
