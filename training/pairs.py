"""Evaluation sets on disk: a folder with `hazy/` and `clear/`, or a folder of clear photos alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class PairSet:
    """`pairs` of (hazy, clear) paths; for a set of clear photos both are the same file."""

    name: str
    pairs: tuple[tuple[Path, Path], ...]
    clear_only: bool = False


def find_sets(root: Path) -> list[PairSet]:
    """All sets below `root`, by name; or `root` itself, if it is one with `hazy/` and `clear/`.

    A hazy file belongs to the clear one whose stem is its own, or its own up to the last underscore that fits
    (`0001_0.8_0.2.jpg` with `0001.png`).

    Raises:
        FileNotFoundError: no set there, or a hazy photo without its truth.
    """
    if (root / "hazy").is_dir():
        return [_read_set(root)]
    sets = [_read_set(folder) for folder in sorted(root.iterdir()) if folder.is_dir()]
    if not sets:
        raise FileNotFoundError(f"no folders with hazy/ and clear/ below {root}")
    return sets


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """8-bit RGB as Pillow decodes it, (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _read_set(folder: Path) -> PairSet:
    if not (folder / "hazy").is_dir():
        files = tuple(path for path in sorted(folder.iterdir()) if path.is_file())
        return PairSet(folder.name, tuple((path, path) for path in files), clear_only=True)
    clear = {path.stem: path for path in (folder / "clear").iterdir()}
    pairs = []
    for hazy in sorted((folder / "hazy").iterdir()):
        parts = hazy.stem.split("_")
        stems = ("_".join(parts[:n]) for n in range(len(parts), 0, -1))
        truth = next((clear[stem] for stem in stems if stem in clear), None)
        if truth is None:
            raise FileNotFoundError(f"no clear photo for {hazy}")
        pairs.append((hazy, truth))
    return PairSet(folder.name, tuple(pairs))
