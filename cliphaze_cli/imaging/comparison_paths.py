"""Where pictures of photos before and after lie, and sheets of them. Names only: imports nothing heavy."""

from pathlib import Path

COMPARISON_ENDING = ".compare.jpg"
SHEET_ENDINGS = (".jpg", ".jpeg")
PAIRS_PER_PAGE = 30


def comparison_path(stem: Path) -> Path:
    """Of an output's path without extension."""
    return stem.with_name(stem.name + COMPARISON_ENDING)


def sheet_paths(path: Path, pairs: int) -> list[Path]:
    """The pages of so many pairs: `path`, and NAME-2, NAME-3 ... beside it where one page does not hold them."""
    pages = max(1, -(-pairs // PAIRS_PER_PAGE))
    return [path, *(path.with_name(f"{path.stem}-{page}{path.suffix}") for page in range(2, pages + 1))]
