"""From a coarse density map to the photo's size, along the photo's edges."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from cliphaze_cli.restoration.guided_filter import guided_upsample

# Fitted at the map's own size, where a cell of the guide averages what a cell of the map does, over 3x3 cells. Wider
# windows blur away what the map knows; a larger size keeps the steps of the map where the cells' borders happen to be.
_RADIUS = 1
_EPS = 3e-4  # squared luma contrast: weaker edges than about 0.02 leave the map alone


def upsample_density(density: NDArray[np.float32], pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return `density` (h, w) at the photo's size, (H, W) float32 in [0, 1], its steps moved to the photo's edges.

    pixels: (H, W, 3) uint8, uint16, or float32 in [0, 1]; the guide.
    """
    target = torch.from_numpy(np.ascontiguousarray(density, dtype=np.float32))[None, None]  # (1, 1, h, w)
    size = (min(target.shape[2], pixels.shape[0]), min(target.shape[3], pixels.shape[1]))
    if size != target.shape[-2:]:
        target = F.interpolate(target, size=size, mode="area")
    return guided_upsample(target, pixels, _RADIUS, _EPS)[0, 0].clamp_(0.0, 1.0).numpy()
