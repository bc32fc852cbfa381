"""Turn a training state into weights: the averaged parameters, with recipe and teaching CLIP in the metadata.

python -m training.export RUN/state.pt weights/tiny.safetensors
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.cliphaze import CLIPHaze
from training.recipe import Recipe

DENSITY_WEIGHTS = "cam.explicit.weight"  # of the density map; nothing where there is none


def export(
    state: Annotated[Path, typer.Argument(help="state.pt of a run.")],
    weights: Annotated[Path, typer.Argument(help="File to write, .safetensors.")],
) -> None:
    """Write a run's averaged weights as a checkpoint."""
    saved = torch.load(state, weights_only=True)
    recipe = Recipe.from_dict(saved["recipe"])
    network = CLIPHaze(recipe.network)
    network.load_state_dict(saved["ema"])
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(DENSITY_WEIGHTS):
                parameter.mul_(recipe.instructed.trust)
    training = {**recipe.to_dict(), "trained_steps": saved["step"], "trained_seconds": round(saved["seconds"])}
    if saved.get("started_from"):
        training["started_from"] = saved["started_from"]
    checkpoint.save(
        network,
        weights,
        name=recipe.variant,
        instructions=recipe.instructions,
        training=training,
        clip=recipe.clip if recipe.instructions else None,
    )
    typer.echo(f"{weights}: {recipe.variant}, step {saved['step']}", err=True)


if __name__ == "__main__":
    typer.run(export)
