"""From a coarse density map to the photo's size, along the photo's edges."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cliphaze_cli.guided_filter import guided_upsample

_FIT_SIDE = 512  # px, long side at which map and photo are compared; a coarser map would average the photo's edges away
_RADIUS = (4, 48)  # px of that size; in between, one cell of the map: an edge is looked for as far as the map is blurred
_EPS = 1e-3  # squared luma contrast: weaker edges than 0.03 leave the map alone


def upsample_density(density: NDArray[np.float32], pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return `density` (h, w) at the photo's size, (H, W) float32 in [0, 1], its steps moved to the photo's edges.

    pixels: (H, W, 3) uint8, uint16, or float32 in [0, 1]; the guide.
    """
    target = torch.from_numpy(np.ascontiguousarray(density, dtype=np.float32))[None, None]  # (1, 1, h, w)
    fitted = _at_fit_size(target, *pixels.shape[:2])
    cell = max(fitted.shape[2] / target.shape[2], fitted.shape[3] / target.shape[3])
    radius = min(max(round(cell), _RADIUS[0]), _RADIUS[1])
    return guided_upsample(fitted, pixels, radius, _EPS)[0, 0].clamp_(0.0, 1.0).numpy()


def _at_fit_size(density: Tensor, height: int, width: int) -> Tensor:
    rows, columns = density.shape[-2:]
    if max(rows, columns) >= _FIT_SIDE and rows <= height and columns <= width:
        return density
    scale = min(1.0, _FIT_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return F.interpolate(density, size=size, mode="bilinear", align_corners=False, antialias=True)
