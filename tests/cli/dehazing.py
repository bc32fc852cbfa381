"""What the tests of `cliphaze dehaze` share; the fixture that runs it is in conftest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.cli.outcome import Outcome

Dehaze = Callable[..., Outcome]


def save(path: Path, level: int = 60, size: tuple[int, int] = (40, 30), **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path, **options)


def level(path: Path) -> float:
    with Image.open(path) as image:
        return float(np.asarray(image).mean())


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def shown_in(folder: Path) -> list[str]:
    """Without hidden files, as those that are being written are."""
    return [name for name in files_in(folder) if not name.startswith(".")]
