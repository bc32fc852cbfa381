"""Start a network from the weights of one with fewer blocks or a smaller head: what is new begins with no effect."""

import re

import torch
from torch import Tensor

from cliphaze_cli.network.cliphaze import CLIPHaze

LAST_LAYERS = ("transformer.project", "mamba.project_out", "ffn.project")  # zeros there, and a block adds nothing
HEAD = ("head.weight", "head.bias")
BLOCK = re.compile(r"\w+\.blocks\.\d+\.")


@torch.no_grad()
def grow(network: CLIPHaze, weights: dict[str, Tensor]) -> None:
    """Load `weights` into `network`. Its stages may have more blocks, and the further ones begin as the identity; its
    head may answer more, and what it answers beyond begins at zero.

    Raises:
        ValueError: the networks differ in more than that.
    """
    own = network.state_dict()
    weights = {name: _padded(value, own[name]) if name in HEAD else value for name, value in weights.items()}
    new = own.keys() - weights.keys()
    misfits = [name for name, value in weights.items() if name not in own or own[name].shape != value.shape]
    misfits += [name for name in sorted(new) if not BLOCK.match(name)]
    if misfits:
        raise ValueError(f"these weights cannot grow into this network: {misfits[0]} does not fit")
    for name in new:
        if any(layer in name for layer in LAST_LAYERS):
            own[name].zero_()
    network.load_state_dict(own | weights)


def _padded(value: Tensor, like: Tensor) -> Tensor:
    """Rows of zeros until there are as many as in `like`."""
    missing = max(0, len(like) - len(value))
    return torch.cat([value, value.new_zeros(missing, *value.shape[1:])])
