"""Before/after sheets to look at: numbers miss halos, colour casts and noise.

python -m training.sheet HAZY/ DEHAZED/ SHEET.jpg
"""

from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageOps

from training.arguments import existing_folder

GAP = 4  # px between photos


def sheet(
    hazy: Annotated[Path, existing_folder("Folder of inputs.")],
    dehazed: Annotated[Path, existing_folder("Folder of outputs with the same file stems.")],
    target: Annotated[Path, typer.Argument(help="Picture to write.")],
    columns: Annotated[int, typer.Option(help="Pairs side by side.")] = 3,
    width: Annotated[int, typer.Option(help="Pixels of one photo's width.")] = 320,
    first: Annotated[int, typer.Option(help="Index of the first pair.")] = 0,
    count: Annotated[int, typer.Option(help="How many pairs.")] = 12,
) -> None:
    """Put inputs and outputs side by side."""
    outputs = {path.stem: path for path in dehazed.iterdir() if not path.stem.endswith((".density", "-overlay"))}
    pairs = [(path, outputs[path.stem]) for path in sorted(hazy.iterdir()) if path.stem in outputs]
    cells = [_pair(*pair, width) for pair in pairs[first : first + count]]
    if not cells:
        raise typer.BadParameter(f"no file of {hazy} has an output in {dehazed}")
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    heights = [max(cell.height for cell in row) + GAP for row in rows]
    canvas = Image.new("RGB", (columns * (2 * width + 2 * GAP), sum(heights)), "white")
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for i, cell in enumerate(row):
            canvas.paste(cell, (i * (2 * width + 2 * GAP), top))
        top += height
    canvas.save(target, quality=90)
    typer.echo(f"{len(cells)} pairs in {target}", err=True)


def _pair(before: Path, after: Path, width: int) -> Image.Image:
    left, right = (_fitted(path, width) for path in (before, after))
    pair = Image.new("RGB", (2 * width + GAP // 2, left.height), "white")
    pair.paste(left, (0, 0))
    pair.paste(right, (width + GAP // 2, 0))
    return pair


def _fitted(path: Path, width: int) -> Image.Image:
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        return upright.resize((width, round(width * upright.height / upright.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    typer.run(sheet)
