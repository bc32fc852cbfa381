"""CLIP's eyes: images to embeddings, and what dense tokens need besides.

Shapes: B images, E embedding size, S side in pixels of the square that the tower was trained on.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliphaze_cli.prior.dense_tokens import self_attention_tokens, supports_dense_tokens, value_path_tokens
from cliphaze_cli.prior.preprocess import normalised

_BATCH = 16  # windows or images that go through the tower together


class VisionTower:
    """open_clip's vision tower on a device, with the normalisation it was trained with.

    Attributes:
        module: the tower itself. image_size: S. mean, std: (3,), of its normalisation.
    """

    def __init__(self, module: nn.Module, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        self.device = device
        self.module = module.to(device).eval().requires_grad_(False)
        size = module.image_size
        self.image_size = int(size[0]) if isinstance(size, (tuple, list)) else int(size)  # type: ignore[arg-type]
        self.mean = torch.tensor(mean, dtype=torch.float32, device=device)
        self.std = torch.tensor(std, dtype=torch.float32, device=device)

    @property
    def patch_size(self) -> int:
        """Side of a patch in pixels; of vision transformers only."""
        return int(self.module.patch_size[0])  # type: ignore[index]

    @property
    def has_tokens(self) -> bool:
        """Whether its patches can be compared with texts."""
        return supports_dense_tokens(self.module)

    def normalised(self, images: Tensor) -> Tensor:
        """Return images (B, 3, h, w) in [0, 1] as the tower wants them, on its device."""
        return normalised(images.to(self.device), self.mean, self.std)

    def embed(self, images: Tensor, *, batch_size: int = _BATCH) -> Tensor:
        """Return unit embeddings (B, E) of images (B, 3, S, S) in [0, 1]."""
        parts = [self.module(self.normalised(part)) for part in images.split(batch_size)]
        return F.normalize(torch.cat(parts).float(), dim=-1)

    def tokens(self, images: Tensor, kind: str) -> Tensor:
        """Return embeddings (B, gh, gw, E) of the patches of images (B, 3, h, w) in [0, 1], which need not be square.

        kind: "maskclip" or "surgery", see `dense_tokens`.
        """
        tokens = value_path_tokens if kind == "maskclip" else self_attention_tokens
        return tokens(self.module, self.normalised(images))
