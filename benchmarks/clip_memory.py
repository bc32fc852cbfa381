"""What CLIP takes beside the network: peak memory of all processes, with and without it, by `--jobs`.

    python -m benchmarks.clip_memory

CLIP has its real size (ViT-B-32, 605 MB) and random weights, from a Hub of this machine: memory does not depend on
their values. "The first use" fetches and hashes it and embeds the default prompts, which loads its text tower.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import typer

from benchmarks import processes
from benchmarks.made import make_photo
from benchmarks.timing import machine
from cliphaze_cli.hub.open_clip_import import import_open_clip
from cliphaze_cli.hub.registry import weights_dir
from tests.hub.server import FakeHub, Repo, Served, child_environment, clip_record, write_registry

MODEL = "ViT-B-32"
FILE = "open_clip_model.safetensors"


def main(photos: int = 4, megapixels: float = 0.5) -> None:
    """Print a table of whole commands."""
    typer.echo(machine())
    typer.echo("| command | seconds | all processes, peak MB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, FakeHub() as hub:
        weights = Served(_random_weights(Path(folder, FILE)))
        hub.repos["org/clip"] = Repo({FILE: weights})
        record = clip_record(weights, name=f"{MODEL}:random", open_clip_model=MODEL, open_clip_pretrained="random")
        registry = write_registry(Path(folder, "registry.json"), record, *_embedded())
        environment = child_environment(Path(folder, "home"), hub.url, registry)
        shutil.copy(weights_dir() / "tiny.safetensors", folder)  # embedded weights lie beside their registry
        source = Path(folder, "photos")
        source.mkdir()
        for number in range(photos):
            make_photo(source / f"{number}.jpg", megapixels)
        with_clip = ["--clip", f"{MODEL}:random"]
        for title, *options in (
            ("`download-weights`, the first use",),
            ("`dehaze --jobs 1`", "--jobs", "1"),
            ("`dehaze --jobs 2`", "--jobs", "2"),
            ("`dehaze --jobs 1 --clip`", "--jobs", "1", *with_clip),
            ("`dehaze --jobs 2 --clip`", "--jobs", "2", *with_clip),
        ):
            if options:
                command = ["dehaze", "--quiet", "--overwrite", str(source), str(Path(folder, "out")), *options]
            else:
                command = ["download-weights", "--clip", f"{MODEL}:random"]
            usage = processes.run([*processes.CLIPHAZE, *command], environment)
            typer.echo(f"| {title} | {usage.seconds:.1f} | {usage.total} |")


def _random_weights(path: Path) -> bytes:
    from safetensors.torch import save_file

    save_file(import_open_clip().create_model(MODEL).state_dict(), path)
    return path.read_bytes()


def _embedded() -> list[dict[str, Any]]:
    """The records of the network's own weights."""
    records = json.loads((weights_dir() / "registry.json").read_text(encoding="utf-8"))["weights"]
    return [record for record in records if record["kind"] == "cliphaze"]


if __name__ == "__main__":
    typer.run(main)
