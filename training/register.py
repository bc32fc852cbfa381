"""Make a checkpoint the embedded one of its name: copy it into weights/ and bring the registry up to date.

    python -m training.register WEIGHTS.safetensors DATA

Scores are those of `training.evaluate` on DATA at the default settings. The model card is written by hand.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.hub.registry import weights_dir
from cliphaze_cli.hub.verification import digest_of
from training.arguments import existing_file, existing_folder
from training.evaluate import dehaze_files, score_set, table
from training.pairs import find_sets


def register(
    weights: Annotated[Path, existing_file("Checkpoint made by training.export.")],
    data: Annotated[Path, existing_folder("Folder of sets to score on.")],
) -> None:
    """Embed a checkpoint, with its size, digest and scores."""
    dehazer = Dehazer.from_pretrained(weights=weights)
    scores = {pairs.name: score_set(pairs, dehaze_files(dehazer)) for pairs in find_sets(data)}
    registry_path = weights_dir() / "registry.json"
    registry = json.loads(registry_path.read_text())
    entry = next(entry for entry in registry["weights"] if entry["name"] == dehazer.weights_name)
    entry["size"] = weights.stat().st_size
    entry["sha256"] = digest_of(weights)
    entry["scores"] = {name: _rounded(asdict(score)) for name, score in scores.items()}
    shutil.copyfile(weights, weights_dir() / entry["file"])
    registry_path.write_text(json.dumps(registry, indent=2, ensure_ascii=False) + "\n")
    typer.echo(table(scores))


def _rounded(score: dict[str, object]) -> dict[str, object]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in score.items()}


if __name__ == "__main__":
    typer.run(register)
