"""Turn a training state into weights: the averaged parameters, with the recipe in the metadata.

python -m training.export RUN/state.pt weights/tiny.safetensors
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from cliphaze_cli import checkpoint
from cliphaze_cli.network.cliphaze import CLIPHaze
from training.recipe import Recipe


def export(
    state: Annotated[Path, typer.Argument(help="state.pt of a run.")],
    weights: Annotated[Path, typer.Argument(help="File to write, .safetensors.")],
    mix_with: Annotated[Path | None, typer.Option(help="Other weights of the same network to mix in.")] = None,
    share: Annotated[float, typer.Option(help="Of the other weights in the mixture.", min=0, max=1)] = 0.5,
) -> None:
    """Write a run's averaged weights as a checkpoint, alone or mixed with other weights."""
    saved = torch.load(state, weights_only=True)
    recipe = Recipe.from_dict(saved["recipe"])
    network = CLIPHaze(recipe.network)
    network.load_state_dict(saved["ema"])
    training = {**recipe.to_dict(), "trained_steps": saved["step"], "trained_seconds": round(saved["seconds"])}
    if mix_with is not None:
        other = checkpoint.load(mix_with)
        mixture = {
            name: value.lerp(other.network.state_dict()[name], share) for name, value in network.state_dict().items()
        }
        network.load_state_dict(mixture)
        training["mixed_with"] = {"sha256": other.sha256, "share": share, "training": other.training}
    checkpoint.save(network, weights, name=recipe.variant, instructions=frozenset({"density"}), training=training)
    typer.echo(f"{weights}: {recipe.variant}, step {saved['step']}", err=True)


if __name__ == "__main__":
    typer.run(export)
