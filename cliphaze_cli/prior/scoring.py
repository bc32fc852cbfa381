"""Zero-shot scoring: how much nearer an image embedding is to the hazy texts than to the clear ones.

Shapes: E embedding size; Nh, Nc number of hazy and clear prompts.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 100.0  # the scale at which CLIP's cosine similarities become probabilities


@dataclass(frozen=True, eq=False)
class PromptEmbeddings:
    """Unit text embeddings, one row a prompt: `hazy` (Nh, E) and `clear` (Nc, E), float32."""

    hazy: Tensor
    clear: Tensor

    def directions(self) -> Tensor:
        """(2, E): the normalised mean of the clear texts, then that of the hazy ones."""
        return F.normalize(torch.stack((self.clear.mean(dim=0), self.hazy.mean(dim=0))), dim=-1)

    def differences(self) -> Tensor:
        """(K, E): hazy minus clear. Pair by pair where the ensembles are paired, so that the scene cancels out;
        otherwise the one difference of the means."""
        if self.hazy.shape == self.clear.shape:
            return self.hazy - self.clear
        return (self.hazy.mean(dim=0) - self.clear.mean(dim=0))[None]

    def to(self, device: torch.device) -> "PromptEmbeddings":
        """The same embeddings on `device`."""
        return PromptEmbeddings(self.hazy.to(device), self.clear.to(device))


def p_hazy(embeddings: Tensor, prompts: PromptEmbeddings) -> Tensor:
    """Return the probability of haze, (...) in [0, 1], of embeddings (..., E) of any length.

    Cosine similarity with each side's mean text, times TEMPERATURE, softmax over {clear, hazy}.
    """
    cosines = F.normalize(embeddings.float(), dim=-1) @ prompts.directions().T  # (..., 2)
    return (TEMPERATURE * cosines).softmax(dim=-1)[..., 1]
