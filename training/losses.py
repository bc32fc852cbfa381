"""The training loss: the clear image, its coarse colours, and the transmission, each photo on a logarithmic scale."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cliphaze_cli.network.cliphaze import apply_maps
from training.batches import Batch

COARSE_CELL = 16  # px; haze is smooth, so most of what can go wrong shows in the averages of such cells
COARSE_WEIGHT = 0.5
TRANSMISSION_WEIGHT = 0.1
# Errors count by their logarithm, as in PSNR, so that hopelessly dense samples do not drown those that are nearly
# clear; below this one they count linearly.
SMALL_ERROR = 0.1


def dehazing_loss(K: Tensor, B: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Loss of the estimated maps (n, 3, h, w), and the estimated clear image."""
    estimate = apply_maps(batch.hazy, K, B)
    error = estimate - batch.clear
    image = _mean_of_each(error.abs())
    coarse = _mean_of_each(F.avg_pool2d(error, COARSE_CELL, ceil_mode=True).abs())
    transmission = _mean_of_each((estimated_transmission(K) - batch.transmission).abs())
    total = image + COARSE_WEIGHT * coarse + TRANSMISSION_WEIGHT * transmission
    return torch.log(total / SMALL_ERROR + 1).mean(), estimate


def _mean_of_each(x: Tensor) -> Tensor:
    return x.mean((1, 2, 3))


def estimated_transmission(K: Tensor) -> Tensor:
    """t = 1 / (1 + mean K), (n, 1, h, w); K below zero means no haze."""
    return 1 / (1 + K.mean(1, keepdim=True).clamp_min(-0.5))


def psnr(estimate: Tensor, truth: Tensor) -> float:
    """Batch PSNR in dB, for the log."""
    return float(-10 * torch.log10((estimate.clamp(0, 1) - truth).square().mean()))
