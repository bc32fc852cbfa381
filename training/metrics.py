"""Image quality against a ground truth, on 8-bit RGB: PSNR, SSIM, CIEDE2000."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

Pixels = NDArray[np.uint8]
IDENTICAL_DB = 100.0  # PSNR of identical images, where the formula says infinity


@dataclass(frozen=True)
class Quality:
    """PSNR in dB, SSIM in [-1, 1], and the mean CIEDE2000 colour difference."""

    psnr: float
    ssim: float
    ciede2000: float


def psnr(image: Pixels, truth: Pixels) -> float:
    """RGB PSNR in dB."""
    if np.array_equal(image, truth):
        return IDENTICAL_DB
    return float(peak_signal_noise_ratio(truth, image, data_range=255))


def quality(image: Pixels, truth: Pixels) -> Quality:
    """All three, of (H, W, 3) arrays. SSIM with scikit-image's Gaussian window, sigma 1.5."""
    ssim = structural_similarity(truth, image, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5)
    difference = deltaE_ciede2000(rgb2lab(truth), rgb2lab(image))
    return Quality(psnr(image, truth), float(ssim), float(difference.mean()))
