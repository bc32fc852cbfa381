"""CAM: the CLIP-instructed Aggregation Module of CLIPHaze, which decides per pixel how far to look.

It blends the local (Transformer) and the global (Mamba) path. Explicit instruction: the haze-density map. Implicit
instruction: the image embedding, as channel-wise modulation. Both are optional: an absent map is an input of its own,
distinct from a map that says "clear", and an absent embedding leaves the features unmodulated.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EMBEDDING_WIDTH = 32  # the network reduces the embedding once to this many numbers, which modulate every block


class CAM(nn.Module):
    """Weights in (0, 1) per pixel and channel; output = weight * global + (1 - weight) * local."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(2 * channels, channels, 1)
        self.scene = nn.Linear(2 * channels, channels)
        self.explicit = nn.Conv2d(2, channels, 1)
        self.implicit = nn.Linear(EMBEDDING_WIDTH, 2 * channels)
        nn.init.zeros_(self.implicit.weight)  # until trained, an embedding changes nothing
        nn.init.zeros_(self.implicit.bias)
        self.weight = nn.Conv2d(channels, channels, 1)

    def forward(self, local: Tensor, global_: Tensor, density: Tensor | None, embedding: Tensor | None) -> Tensor:
        """Blend the two paths.

        Args:
            local, global_: (B, C, H, W).
            density: (B, 1, H, W) in [0, 1], negative where absent, or None.
            embedding: (B, EMBEDDING_WIDTH), zeros where absent, or None.

        Returns:
            (B, C, H, W).
        """
        means = torch.cat([local.mean((2, 3)), global_.mean((2, 3))], 1)
        scene = self.scene(means)[..., None, None]
        both = torch.cat([local, global_], 1)
        x = self.features(both) + scene + self.explicit(_with_presence(density, both))
        if embedding is not None:
            scale, shift = self._modulation(embedding)[..., None, None].chunk(2, 1)
            x = x * (1 + scale) + shift
        return torch.lerp(local, global_, torch.sigmoid(self.weight(F.gelu(x))))

    def _modulation(self, embedding: Tensor) -> Tensor:
        """(B, 2C): scale and shift of the features; none where the embedding is absent."""
        return self.implicit(embedding) * (embedding != 0).any(1, keepdim=True)


def _with_presence(density: Tensor | None, like: Tensor) -> Tensor:
    """(B, 2, H, W): the density (0 where absent) and whether it is present (0 or 1)."""
    if density is None:
        return like.new_zeros(like.shape[0], 2, *like.shape[-2:])
    present = density >= 0
    return torch.cat([density * present, present.to(density.dtype)], 1)
