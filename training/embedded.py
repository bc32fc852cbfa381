"""Train the embedded weights again, both parts of their recipe, by one command.

    python -m training.embedded PACK.npz RUN/

RUN/weights.safetensors is the outcome. The same command goes on after an interruption.
"""

from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.system.errors import CliphazeError
from training.export import export
from training.recipe import Recipe
from training.train import run_recipe

# The long one, from scratch. Its density map keeps its whole weight, as the second part goes on from it.
FIRST = Recipe("tiny", 11350, learning_rate=1.2e-3).override(["instructed.trust=1"])

# A short one, in which what is worse than the hazy photo costs more, with the photos of the first part's end.
SECOND = Recipe("tiny", 400, seed=21, learning_rate=5e-4).override(
    ["ema_decay=0.99", "scenes.large_from=0", *FIRST.at_end, "loss.harm=0.5"]
)


def main(
    pack: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Made by training.prepare.")],
    run: Annotated[Path, typer.Argument(help="Folder of both parts; resumed if it holds their states.")],
    threads: int = 1,
    device: str = "cpu",
) -> None:
    """Train both parts, or resume."""
    try:
        train_in_parts([FIRST, SECOND], pack, run, threads=threads, device=device)
    except (ValueError, CliphazeError) as error:
        raise typer.BadParameter(str(error)) from error


def train_in_parts(parts: list[Recipe], pack: Path, run: Path, *, threads: int = 1, device: str = "cpu") -> None:
    """Train by one recipe after another, each from the averaged weights of the one before, in RUN/1, RUN/2 ...

    Raises:
        ValueError: a folder holds a state of another recipe.
    """
    weights = None
    for number, recipe in enumerate(parts, 1):
        folder = run / str(number)
        run_recipe(recipe, pack, folder, start_from=weights, threads=threads, device=device)
        weights = run / "weights.safetensors" if recipe is parts[-1] else folder / "weights.safetensors"
        export([folder / "state.pt"], weights)


if __name__ == "__main__":
    typer.run(main)
