"""Turn a training state into weights: the averaged parameters, with recipe and teaching CLIP in the metadata.

    python -m training.export RUN/state.pt weights/tiny.safetensors

The mean of several runs that differ by their seed alone, and went on from the same weights, is better than any of them:
what a short run gets wrong by chance, the others do not (Wortsman et al. 2022, "Model soups").
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.cliphaze import CLIPHaze
from training.arguments import existing_file
from training.recipe import Recipe

DENSITY_WEIGHTS = "cam.explicit.weight"  # of the density map; nothing where there is none


def export(
    states: Annotated[list[Path], existing_file("state.pt of a run, or of several, whose mean is taken.")],
    weights: Annotated[Path, typer.Argument(help="File to write, .safetensors.")],
) -> None:
    """Write a run's averaged weights, or several runs' mean, as a checkpoint."""
    saved = [torch.load(state, weights_only=True) for state in states]
    recipes = [Recipe.from_dict(each["recipe"]) for each in saved]
    recipe = recipes[0]
    if any(replace(other, seed=recipe.seed) != recipe for other in recipes) or len({s["step"] for s in saved}) > 1:
        raise typer.BadParameter("only runs that differ by their seed alone, and have as many steps, have a mean")
    network = CLIPHaze(recipe.network)
    network.load_state_dict({name: _mean([each["ema"][name] for each in saved]) for name in saved[0]["ema"]})
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(DENSITY_WEIGHTS):
                parameter.mul_(recipe.instructed.trust)
    training = {
        **recipe.to_dict(),
        "trained_steps": saved[0]["step"],
        "trained_seconds": round(sum(each["seconds"] for each in saved)),
    }
    if len(saved) > 1:
        training["seeds"] = [each.seed for each in recipes]
    if saved[0].get("started_from"):
        training["started_from"] = saved[0]["started_from"]
    checkpoint.save(
        network,
        weights,
        name=recipe.variant,
        instructions=recipe.instructions,
        training=training,
        clip=recipe.clip if recipe.instructions else None,
    )
    typer.echo(f"{weights}: {recipe.variant}, step {saved[0]['step']}", err=True)


def _mean(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors).double().mean(0).to(tensors[0].dtype)


if __name__ == "__main__":
    typer.run(export)
