"""What an image shows, without how clearly it shows it: CLIP's embedding freed from its degradation.

The span of (hazy - clear) text differences is taken for the directions along which haze moves an embedding.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

RANK_TOLERANCE = 1e-2  # singular values below this part of the largest are rounding and wording, not haze


def degradation_basis(differences: Tensor, *, tolerance: float = RANK_TOLERANCE) -> Tensor:
    """Return an orthonormal basis (R, E) of the span of `differences` (K, E), R <= min(K, E).

    Directions whose singular value is at most `tolerance` times the largest are left out; R is 0 when all
    differences vanish.
    """
    _, values, directions = torch.linalg.svd(differences.double(), full_matrices=False)
    kept = values > max(tolerance * float(values[0]), 1e-8)
    return directions[kept].to(differences.dtype)


def without_degradation(embedding: Tensor, basis: Tensor) -> Tensor:
    """Return embeddings (..., E) with their component in the span of `basis` (R, E) removed, at unit length.

    An embedding that lies wholly in the span has nothing left; it becomes zero rather than amplified rounding.
    """
    unit = F.normalize(embedding, dim=-1)
    rest = unit - (unit @ basis.T) @ basis
    rest = rest - (rest @ basis.T) @ basis  # a second pass removes what rounding left of the first
    length = rest.norm(dim=-1, keepdim=True)
    return torch.where(length > 1e-4, rest / length.clamp_min(1e-12), torch.zeros_like(rest))
