"""Turn a training state into weights: the averaged parameters, with the recipe in the metadata.

python -m training.export RUN/state.pt weights/tiny.safetensors
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from cliphaze_cli import checkpoint
from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.network.config import VARIANTS


def export(
    state: Annotated[Path, typer.Argument(help="state.pt of a run.")],
    weights: Annotated[Path, typer.Argument(help="File to write, .safetensors.")],
) -> None:
    """Write a run's averaged weights as a checkpoint."""
    saved = torch.load(state, weights_only=True)
    variant = saved["recipe"]["variant"]
    network = CLIPHaze(VARIANTS[variant])
    network.load_state_dict(saved["ema"])
    training = {**saved["recipe"], "trained_steps": saved["step"], "trained_seconds": round(saved["seconds"])}
    checkpoint.save(network, weights, name=variant, instructions=frozenset({"density"}), training=training)
    typer.echo(f"{weights}: {variant}, step {saved['step']}", err=True)


if __name__ == "__main__":
    typer.run(export)
