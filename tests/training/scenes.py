"""Small synthetic landscapes with known depth."""

import numpy as np
from numpy.typing import NDArray


def landscape(height: int = 240, width: int = 320, seed: int = 0) -> NDArray[np.float32]:
    """A pale blue sky above hills and a textured ground with trees on it: (height, width, 3) in [0, 1]."""
    rng = np.random.default_rng(seed)
    rows = np.arange(height)[:, None] / height
    columns = np.arange(width)[None] / width
    sky = np.stack([0.62 + 0.1 * rows, 0.74 + 0.06 * rows, np.full_like(rows, 0.88)], 2) + 0 * columns[..., None]
    ridge = 0.42 + 0.04 * np.sin(9 * columns + rng.uniform(0, 6))
    image = np.where((rows > ridge)[..., None], _texture(rng, height, width, (0.35, 0.42, 0.2)), sky)
    for _ in range(4):
        foot, left = rng.uniform(0.6, 0.9), rng.uniform(0, 0.9)
        tree = (rows > foot - 0.35) & (rows < foot) & (columns > left) & (columns < left + 0.07)
        image = np.where(tree[..., None], _texture(rng, height, width, (0.12, 0.2, 0.08)), image)
    return np.clip(image, 0, 1).astype(np.float32)


def true_depth(height: int, width: int) -> NDArray[np.float32]:
    """A smooth relative depth for a landscape, (height, width) in [0, 1]: sky far, ground receding upwards."""
    rows = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    return np.repeat(np.clip(rows / 0.6, 0, 1), width, 1)


def hazy(clear: NDArray[np.float32], beta: float, airlight: float = 0.85) -> NDArray[np.float32]:
    """I = J t + A (1 - t) with t = exp(-beta * (0.3 + depth)) and grey airlight."""
    t = np.exp(-beta * (0.3 + true_depth(*clear.shape[:2])))[..., None]
    return clear * t + airlight * (1 - t)


def _texture(rng: np.random.Generator, height: int, width: int, colour: tuple[float, float, float]) -> NDArray:
    coarse = rng.random((height // 8 + 1, width // 8 + 1, 1)).repeat(8, 0).repeat(8, 1)[:height, :width]
    return np.array(colour) * (0.6 + 0.5 * coarse + 0.3 * rng.random((height, width, 1)))
