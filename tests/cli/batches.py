"""Batches that get interrupted: photos whose results are known, and what must hold of a folder of results."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from cliphaze_cli.imaging.files import read
from tests.cli.dehazing import files_in

PATIENCE = 180.0  # seconds after which a test that would hang fails instead


def make_photos(folder: Path, count: int, size: tuple[int, int] = (320, 240), seed: int = 0) -> list[str]:
    """Noise that fills disks and takes a while to write, below half of white; return the names."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    names = [f"{index:03}.png" for index in range(count)]
    for name in names:
        pixels = random.integers(0, 120, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(folder / name, compress_level=1)
    return names


def is_result_of(output: Path, photo: Path) -> bool:
    """Whether `output` is the whole result for `photo` of the weights that double."""
    found, expected = (read(path).pixels.astype(int) for path in (output, photo))
    return found.shape == expected.shape and bool(np.abs(found - 2 * expected).max() <= 1)


def assert_whole(out: Path, source: Path, *, maps: bool = False, leftovers: bool = False) -> list[str]:
    """Assert that every visible file in `out` is a whole result, and return their names without maps.

    maps: each photo must have its maps. leftovers: hidden temporary files may lie there too.
    """
    found = files_in(out) if out.exists() else []
    hidden = [name for name in found if name.startswith(".")]
    assert leftovers or not hidden
    assert all(name.endswith(".cliphaze-part") for name in hidden)
    visible = [name for name in found if not name.startswith(".")]
    names = [name for name in visible if ".density" not in name]
    for name in names:
        assert is_result_of(out / name, source / name), name
        if maps:
            assert {f"{name[:-4]}.density.png", f"{name[:-4]}.density-overlay.png"} <= set(visible)
    for name in set(visible) - set(names):
        with Image.open(out / name) as image:
            image.load()
    return names


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Wait until `condition()` holds or `process` has ended."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.005)
