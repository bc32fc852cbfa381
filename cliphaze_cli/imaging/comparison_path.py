"""Where the picture of a photo before and after lies."""

from pathlib import Path

COMPARISON_ENDING = ".compare.jpg"


def comparison_path(stem: Path) -> Path:
    """Of an output's path without extension."""
    return stem.with_name(stem.name + COMPARISON_ENDING)
