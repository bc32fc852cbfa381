"""What photographers do to clear photos, and what must not be taken for haze.

Dramatic clouds, high dynamic range squeezed into a print, soft backgrounds, faded colours and lifted blacks: a network
that has seen only plain photos takes them for haze and darkens them.
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from cliphaze_cli.restoration.pixels import luma
from training.haze import Draw
from training.recipe import Scenes


def finish(clear: Tensor, depth: Tensor, scenes: Scenes, generator: Generator) -> tuple[Tensor, Tensor]:
    """Finish some photos; which of them are matte, (n, 1, 1, 1) boolean.

    Args:
        clear: (n, 3, h, w) in [0, 1].
        depth: relative depth, (n, 1, h, w) in [0, 1], 1 is far.
    """
    draw = Draw(clear.shape[0], generator)
    if not (scenes.finished or scenes.matte):
        return clear, draw.chance(0.0)
    finished, matte = draw.chance(scenes.finished), draw.chance(scenes.matte)
    edited = torch.where(draw.chance(0.3), _soft_background(clear, depth, draw), clear)
    edited = torch.where(draw.chance(0.5), _local_contrast(edited, draw), edited)
    edited = torch.where(draw.chance(0.5), edited.clamp_min(1e-4) ** draw.log_uniform(0.6, 1.6), edited)
    edited = torch.where(draw.chance(0.5), _saturated(edited, draw), edited)
    clear = torch.where(finished | matte, edited, clear)
    return torch.where(matte, _lifted(clear, draw), clear), matte


def _local_contrast(image: Tensor, draw: Draw) -> Tensor:
    """More contrast of large parts, and less of the whole, as in photos whose dynamic range was squeezed."""
    coarse = F.interpolate(F.avg_pool2d(luma(image), 8, ceil_mode=True), scale_factor=0.5, mode="area")
    surround = F.interpolate(coarse, image.shape[-2:], mode="bicubic")
    middle = surround.mean((2, 3), keepdim=True)
    squeezed = middle + draw.uniform(0.4, 1) * (surround - middle)
    return (squeezed + draw.uniform(1, 2) * (image - surround)).clamp(0, 1)


def _soft_background(image: Tensor, depth: Tensor, draw: Draw) -> Tensor:
    """What is far is out of focus."""
    size = image.shape[-2:]
    small = F.avg_pool2d(image, 8, ceil_mode=True)
    blurred = F.interpolate(F.avg_pool2d(small, 3, 1, 1, count_include_pad=False), size, mode="bicubic").clamp(0, 1)
    focus = draw.uniform(0.1, 0.6)
    return torch.lerp(image, blurred, ((depth - focus) / 0.15).clamp(0, 1))


def _saturated(image: Tensor, draw: Draw) -> Tensor:
    grey = luma(image)
    return (grey + draw.uniform(0.3, 1.6) * (image - grey)).clamp(0, 1)


def _lifted(image: Tensor, draw: Draw) -> Tensor:
    """Blacks faded towards some grey."""
    return torch.lerp(image, draw.uniform(0.2, 1), draw.uniform(0.03, 0.25))
