"""Measure changes of the recipe one by one: equal steps from the same weights, scored on the same sets.

    python -m training.ablate PACK.npz DATA RUNS/ --start-from WEIGHTS.safetensors --steps 500 \\
        "baseline" "levels: scenes.levels=0.5" "room: haze.room=0.15 haze.dense=0.2" "states: network.state_size=4"

Finished trials are kept in RUNS/NAME and not repeated, so that a table may be extended.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.prior.clip_model import ClipPrior
from training.arguments import Pack, existing_folder
from training.evaluate import dehaze_files, score_set
from training.export import export
from training.pairs import find_sets
from training.recipe import Recipe
from training.train import run_recipe
from training.wrong_maps import costs

EMA_DECAY = 0.99  # a short run's average must not dwell on its start


def ablate(
    pack: Pack,
    data: Annotated[Path, existing_folder("Folder of sets to score on.")],
    runs: Annotated[Path, typer.Argument(help="Folder of the trials.")],
    trials: Annotated[list[str], typer.Argument(help='"NAME: part.field=value ..."; the name alone is the recipe.')],
    start_from: Annotated[Path | None, typer.Option(help="Weights that every trial starts from.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe of all trials, as in haze.dense=0.4.")
    ] = None,
    variant: str = "tiny",
    steps: int = 500,
    learning_rate: float = 5e-4,
    seed: int = 0,
    clip: Annotated[
        str | None, typer.Option(help="CLIP model whose instruction is scored too, by its mean gain on hazy sets.")
    ] = None,
) -> None:
    """Train, score and print a row for each trial."""
    baseline = Recipe(variant, steps, seed, learning_rate, ema_decay=EMA_DECAY).override(settings or ())
    recipes = {}
    for trial in trials:
        name, _, changes = trial.partition(":")
        recipes[name.strip()] = baseline.override(changes.split())  # all are read before the first is trained
    for name, recipe in recipes.items():
        run = runs / name.replace(" ", "-")
        scores = run / "scores.json"
        if not scores.exists():
            run_recipe(recipe, pack, run, start_from=start_from)
            export([run / "state.pt"], run / "weights.safetensors")
            scores.write_text(json.dumps(_score(run / "weights.safetensors", data, clip), indent=2))
        typer.echo(_row(name, json.loads(scores.read_text())))


def _score(weights: Path, data: Path, clip: str | None = None) -> dict[str, Any]:
    """Scores of every set without an instruction, what wrong ones cost, and scores with CLIP's where it is named."""
    dehazer = Dehazer.from_pretrained(weights=weights)
    sets = find_sets(data)

    def scores() -> dict[str, Any]:
        return {pairs.name: asdict(score_set(pairs, dehaze_files(dehazer))) for pairs in sets}

    scored = {"scores": scores(), "costs": {pairs.name: costs(dehazer, pairs) for pairs in sets}}
    if clip is not None:
        dehazer.instruct(ClipPrior.from_cache(clip, device=dehazer.device))
        scored["clip"] = scores()
    return scored


def _row(name: str, scored: dict[str, Any]) -> str:
    """PSNR and CIEDE2000 of each set, the worst gain of all pairs, and the largest cost of a wrong map: on hazy sets,
    on clear photos. Last, where CLIP was asked, its mean gain on hazy sets."""
    scores, costs_of = scored["scores"], scored["costs"]
    worst = min(score["worst_gain"] for score in scores.values() if score["worst_gain"] is not None)
    largest = [
        max(max(costs_of[key].values()) for key, score in scores.items() if (score["psnr_in"] is None) == clear)
        for clear in (False, True)
    ]
    cells = [f"{score['psnr']:.2f}, {score['ciede2000']:.1f}" for score in scores.values()]
    cells += [f"{worst:+.2f}", *(f"{cost:.2f}" for cost in largest)]
    if "clip" in scored:
        hazy = [key for key, score in scores.items() if score["psnr_in"] is not None]
        cells.append(f"{sum(scored['clip'][key]['psnr'] - scores[key]['psnr'] for key in hazy) / len(hazy):+.2f}")
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    typer.run(ablate)
