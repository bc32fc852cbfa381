"""The training loss: the clear image, its coarse colours, and the transmission, each photo on a logarithmic scale."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cliphaze_cli.network.cliphaze import apply_maps
from training.batches import Batch
from training.recipe import LossWeights

COARSE_CELL = 16  # px; haze is smooth, so most of what can go wrong shows in the averages of such cells
# Errors count by their logarithm, as in PSNR, so that hopelessly dense samples do not drown those that are nearly
# clear; below this one they count linearly.
SMALL_ERROR = 0.1
STRUCTURE_WINDOW, STRUCTURE_SCALES = 7, 3  # px; the full, the half and the quarter resolution
STRUCTURE_STRIDE = 3  # px between windows: overlapping ones say the same, and cost as much as the network
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2


def dehazing_loss(K: Tensor, B: Tensor, batch: Batch, weights: LossWeights) -> tuple[Tensor, Tensor]:
    """Loss of the estimated maps (n, 3, h, w), and the estimated clear image.

    Terms, by their weights' names: the image's L1 (1); the root mean square of its 16-pixel averages, which PSNR sees
    most of (coarse); L1 of the transmission; L1 of the image's airlight, by how much haze shows it; 1 - SSIM at three
    scales (structure). Outside the logarithm, by how much worse than the hazy photo the estimate is (harm).
    """
    estimate = apply_maps(batch.hazy, K, B)
    of_image = _image_error(estimate, batch.clear, weights)
    total = of_image
    total = total + weights.transmission * _mean_of_each((estimated_transmission(K) - batch.transmission).abs())
    if weights.airlight:
        shown = 1 - _mean_of_each(batch.transmission)
        total = total + weights.airlight * shown * _mean_of_each((estimated_airlight(K, B) - batch.airlight).abs())
    if weights.structure:
        total = total + weights.structure * _dissimilarity(estimate.clamp(0, 1), batch.clear)
    loss = torch.log(total / SMALL_ERROR + 1).mean()
    if weights.harm:
        harm = (of_image - _image_error(batch.hazy, batch.clear, weights)).relu()
        loss = loss + weights.harm * (harm / SMALL_ERROR).mean()
    return loss, estimate


def _image_error(image: Tensor, clear: Tensor, weights: LossWeights) -> Tensor:
    """L1 of each image and of its coarse colours, (n,)."""
    error = image - clear
    coarse = _rms_of_each(F.avg_pool2d(error, COARSE_CELL, ceil_mode=True))
    return _mean_of_each(error.abs()) + weights.coarse * coarse


def _dissimilarity(estimate: Tensor, clear: Tensor) -> Tensor:
    """1 - SSIM of each image, (n,), mean of three scales; box windows, which training need not weight."""
    total = torch.zeros(len(clear), device=clear.device)
    for _ in range(STRUCTURE_SCALES):
        x, y = estimate, clear
        mean_x, mean_y, xx, yy, xy = (
            F.avg_pool2d(z, STRUCTURE_WINDOW, STRUCTURE_STRIDE) for z in (x, y, x * x, y * y, x * y)
        )
        covariance, variance = xy - mean_x * mean_y, xx - mean_x**2 + yy - mean_y**2
        luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x**2 + mean_y**2 + SSIM_C1)
        total = total + 1 - _mean_of_each(luminance * (2 * covariance + SSIM_C2) / (variance + SSIM_C2))
        estimate, clear = F.avg_pool2d(estimate, 2), F.avg_pool2d(clear, 2)
    return total / STRUCTURE_SCALES


def _mean_of_each(x: Tensor) -> Tensor:
    return x.mean((1, 2, 3))


def _rms_of_each(x: Tensor) -> Tensor:
    return (_mean_of_each(x.square()) + 1e-8).sqrt()


def estimated_transmission(K: Tensor) -> Tensor:
    """t = 1 / (1 + K) of each colour, (n, 3, h, w); K below zero means no haze."""
    return 1 / (1 + K.clamp_min(-0.5))


def estimated_airlight(K: Tensor, B: Tensor) -> Tensor:
    """A = B / K over the whole image, (n, 3, 1, 1)."""
    return B.mean((2, 3), keepdim=True) / K.mean((2, 3), keepdim=True).clamp_min(0.02)


def psnr(estimate: Tensor, truth: Tensor) -> float:
    """Batch PSNR in dB, for the log."""
    return float(-10 * torch.log10((estimate.clamp(0, 1) - truth).square().mean()))
