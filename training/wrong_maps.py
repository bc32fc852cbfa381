"""Density maps that say nothing true, or too much: what does a wrong instruction cost?

CLIP's zero-shot map may be biased, saturated or simply wrong, and nobody can tell beforehand. A network that is
instructed by such a map should do about as well as without one.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.dehazer import Dehazer
from training.metrics import psnr
from training.pairs import PairSet, read_rgb

Map = NDArray[np.float32]

# Each from a photo's own density as the network estimates it, (h, w) in [0, 1], and random numbers.
WRONG_MAPS: dict[str, Callable[[Map, np.random.Generator], Map]] = {
    "0.02": lambda density, rng: np.full((7, 7), 0.02, np.float32),
    "0.98": lambda density, rng: np.full((7, 7), 0.98, np.float32),
    "step": lambda density, rng: np.where(np.arange(8) < 4, 0.1, 0.9).astype(np.float32) * np.ones((8, 1), np.float32),
    "saturated": lambda density, rng: (density > density.mean()).astype(np.float32),
    "inverted": lambda density, rng: 1 - density,
    "biased": lambda density, rng: np.minimum(density + 0.4, 1),
    "noise": lambda density, rng: rng.random((7, 7), dtype=np.float32),
}


def costs(dehazer: Dehazer, pairs: PairSet) -> dict[str, float]:
    """By how many dB each wrong map lowers a set's mean PSNR; of clear photos, that of output against input."""
    rng = np.random.default_rng(0)
    lost: dict[str, list[float]] = {name: [] for name in WRONG_MAPS}
    for hazy, clear in pairs.pairs:
        pixels, truth = read_rgb(hazy), read_rgb(clear)
        density = dehazer.estimate_density(pixels)
        without = psnr(dehazer.dehaze(pixels).image, truth)
        for name, make in WRONG_MAPS.items():
            lost[name].append(without - psnr(dehazer.dehaze(pixels, density=make(density, rng)).image, truth))
    return {name: float(np.mean(values)) for name, values in lost.items()}
