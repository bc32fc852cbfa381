"""Start a deeper network from a shallower one's weights: what is new begins as the identity."""

import re

import torch
from torch import Tensor

from cliphaze_cli.network.cliphaze import CLIPHaze

LAST_LAYERS = ("transformer.project", "mamba.project_out", "ffn.project")  # zeros there, and a block adds nothing
BLOCK = re.compile(r"\w+\.blocks\.\d+\.")


@torch.no_grad()
def grow(network: CLIPHaze, weights: dict[str, Tensor]) -> None:
    """Load `weights` into `network`, whose stages may have more blocks; the further ones begin as the identity.

    Raises:
        ValueError: the networks differ in more than the number of blocks.
    """
    own = network.state_dict()
    new = own.keys() - weights.keys()
    misfits = [name for name, value in weights.items() if name not in own or own[name].shape != value.shape]
    misfits += [name for name in sorted(new) if not BLOCK.match(name)]
    if misfits:
        raise ValueError(f"these weights cannot grow into this network: {misfits[0]} does not fit")
    for name in new:
        if any(layer in name for layer in LAST_LAYERS):
            own[name].zero_()
    network.load_state_dict(own | weights)
