"""The training loss: the clear image, its coarse colours, and the transmission."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cliphaze_cli.network.cliphaze import apply_maps
from training.batches import Batch

COARSE_CELL = 16  # px; haze is smooth, so most of what can go wrong shows in the averages of such cells
COARSE_WEIGHT = 0.5
TRANSMISSION_WEIGHT = 0.1


def dehazing_loss(K: Tensor, B: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Loss of the estimated maps (n, 3, h, w), and the estimated clear image."""
    estimate = apply_maps(batch.hazy, K, B)
    image = (estimate - batch.clear).abs().mean()
    coarse = F.avg_pool2d(estimate - batch.clear, COARSE_CELL, ceil_mode=True).abs().mean()
    transmission = (estimated_transmission(K) - batch.transmission).abs().mean()
    return image + COARSE_WEIGHT * coarse + TRANSMISSION_WEIGHT * transmission, estimate


def estimated_transmission(K: Tensor) -> Tensor:
    """t = 1 / (1 + mean K), (n, 1, h, w); K below zero means no haze."""
    return 1 / (1 + K.mean(1, keepdim=True).clamp_min(-0.5))


def psnr(estimate: Tensor, truth: Tensor) -> float:
    """Batch PSNR in dB, for the log."""
    return float(-10 * torch.log10((estimate.clamp(0, 1) - truth).square().mean()))
