"""What cliphaze is compared with: two textbook methods, and dehazers that install from PyPI.

    python -m benchmarks.baselines autocontrast INPUT OUTPUT
    python -m benchmarks.baselines dark-channel INPUT OUTPUT
    python -m benchmarks.baselines image_dehazer INPUT OUTPUT

image_dehazer wants an environment of its own: `pip install image_dehazer "numpy<2" opencv-python-headless typer`.

Each takes one photo to another, or one folder to another, as `benchmarks.compare` wants it.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from training.pairs import read_rgb

Pixels = NDArray[np.uint8]
Floats = NDArray[np.floating]

PERCENTILES = (1, 99)
PATCH = 15  # px, of the dark channel (He, Sun, Tang 2009)
OMEGA = 0.95  # of the haze that is removed; a little is kept for depth
LEAST_TRANSMISSION = 0.1
RADIUS, EPS = 60, 1e-4  # of the guided filter that refines the transmission (He, Sun, Tang 2010)


def autocontrast(pixels: Pixels) -> Pixels:
    """Stretch each channel of (H, W, 3) from its 1st and 99th percentile to the full range."""
    low, high = np.percentile(pixels, PERCENTILES, axis=(0, 1))
    return np.clip(255 * (pixels - low) / np.maximum(high - low, 1), 0, 255).round().astype(np.uint8)


def dark_channel(pixels: Pixels) -> Pixels:
    """Single Image Haze Removal Using Dark Channel Prior (He, Sun, Tang 2009), refined by a guided filter."""
    hazy = pixels.astype(np.float32) / 255
    dark = _dark_channel(hazy)
    brightest = np.argsort(dark, axis=None)[-max(1, dark.size // 1000) :]
    airlight = hazy.reshape(-1, 3)[brightest].mean(0)
    rough = 1 - OMEGA * _dark_channel(hazy / airlight)
    transmission = _guided_filter(np.asarray(cv2.cvtColor(hazy, cv2.COLOR_RGB2GRAY), np.float32), rough)
    clear = (hazy - airlight) / np.maximum(transmission, LEAST_TRANSMISSION)[..., None] + airlight
    return np.clip(255 * clear, 0, 255).round().astype(np.uint8)


def image_dehazer(pixels: Pixels) -> Pixels:
    """The package image_dehazer (boundary constraint and contextual regularisation, Meng et al. 2013)."""
    import image_dehazer as package

    clear, _ = package.remove_haze(np.ascontiguousarray(pixels[..., ::-1]), showHazeTransmissionMap=False)
    return np.asarray(clear, np.uint8)[..., ::-1]


METHODS: dict[str, Callable[[Pixels], Pixels]] = {
    "autocontrast": autocontrast,
    "dark-channel": dark_channel,
    "image_dehazer": image_dehazer,
}
Method = Enum("Method", {name: name for name in METHODS}, type=str)  # type: ignore[misc]


def main(
    method: Annotated[Method, typer.Argument(help="Which one.")],
    source: Annotated[Path, typer.Argument(help="A photo, or a folder of photos.")],
    target: Annotated[Path, typer.Argument(help="The photo to write, or an existing folder for PNG files.")],
) -> None:
    """Dehaze one photo, or all of a folder."""
    for hazy, clear in _jobs(source, target):
        Image.fromarray(METHODS[method.value](read_rgb(hazy))).save(clear)


def _jobs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    if source.is_dir():
        yield from ((path, target / f"{path.stem}.png") for path in sorted(source.iterdir()))
    else:
        yield source, target


def _dark_channel(image: Floats) -> Floats:
    return np.asarray(cv2.erode(image.min(2), np.ones((PATCH, PATCH), np.uint8)), np.float32)


def _guided_filter(guide: Floats, source: Floats) -> Floats:
    def box(plane: Floats) -> Floats:
        return np.asarray(cv2.blur(plane, (2 * RADIUS + 1, 2 * RADIUS + 1)), np.float32)

    mean_guide, mean_source = box(guide), box(source)
    slope = (box(guide * source) - mean_guide * mean_source) / (box(guide * guide) - mean_guide**2 + EPS)
    return box(slope) * guide + box(mean_source - slope * mean_guide)


if __name__ == "__main__":
    typer.run(main)
