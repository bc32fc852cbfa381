"""Train the embedded weights again, both parts of their recipe, by one command.

    python -m training.embedded PACK.npz RUN/

RUN/weights.safetensors is the outcome. The same command goes on after an interruption.
"""

from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.system.errors import CliphazeError
from training.arguments import Pack
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
    pack: Pack,
    run: Annotated[Path, typer.Argument(help="Folder of both parts; resumed if it holds their states.")],
    threads: int = 1,
    device: str = "cpu",
) -> None:
    """Train both parts, or resume."""
    first, second = run / "1", run / "2"
    try:
        run_recipe(FIRST, pack, first, threads=threads, device=device)
        export([first / "state.pt"], first / "weights.safetensors")
        run_recipe(SECOND, pack, second, start_from=first / "weights.safetensors", threads=threads, device=device)
        export([second / "state.pt"], run / "weights.safetensors")
    except (ValueError, CliphazeError) as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)
