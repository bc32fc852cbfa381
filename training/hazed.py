"""A photo under synthetic haze, whole, with the truth beside it: what CLIP is shown where a crop would not do."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from cliphaze_cli.restoration.pixels import rows_as_tensor, tensor_as_rows
from training.haze import Haze, add_haze
from training.popup_depth import popup_depth
from training.recipe import HazeMix


@dataclass(frozen=True, eq=False)
class HazedPhoto:
    """`hazy` and `clear` (H, W, 3) uint8; `density` the true 1 - t, (H, W) float32 in [0, 1]."""

    hazy: NDArray[np.uint8]
    clear: NDArray[np.uint8]
    density: NDArray[np.float32]


def hazed_photo(
    clear: NDArray[np.uint8], seed: int, *, mix: HazeMix | None = None, depth: NDArray[np.uint8] | None = None
) -> HazedPhoto:
    """Lay a haze over a photo of a place.

    Args:
        clear: (H, W, 3).
        seed: of the haze, and of the depth where none is given.
        mix: kinds of haze; default: the recipe's.
        depth: pop-up depth (h, w) of 255 steps, at any resolution.
    """
    if depth is None:
        depth = np.round(255 * popup_depth(clear[::2, ::2] / 255, np.random.default_rng(seed))).astype(np.uint8)
    haze = whole_haze(clear, depth, seed, mix or HazeMix(), place=True)
    density = 1 - haze.transmission.mean(1)[0]
    return HazedPhoto(tensor_as_rows(haze.hazy, clear.dtype), clear, density.numpy())


def whole_haze(clear: NDArray[np.uint8], depth: NDArray[np.uint8], seed: int, mix: HazeMix, *, place: bool) -> Haze:
    """The same as tensors of one sample: a function of its arguments alone, so that it need not be stored.

    place: whether the photo shows a place rather than things.
    """
    scene = rows_as_tensor(clear)
    far = torch.from_numpy(depth)[None, None].float() / 255
    far = F.interpolate(far, scene.shape[-2:], mode="bilinear")
    return add_haze(scene, far, torch.tensor([place]), mix, torch.Generator().manual_seed(seed))
