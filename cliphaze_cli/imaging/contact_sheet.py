"""Sheets of many comparisons, with names: one look at a whole run."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.file_status import FileStatus

_COLUMNS = 3
_CELL = (640, 240)  # of a pair
_TEXT, _MARGIN = 16, 20
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def save_page(
    path: Path, pairs: Sequence[tuple[str, bytes]], *, replace: bool = False, source: FileStatus | None = None
) -> None:
    """Writes a page of (name, JPEG of `small_comparison`), at most `PAIRS_PER_PAGE` of them, from left to right.

    source: permissions that the file does not exceed. Raises ImageError, without `replace` also if `path` exists.
    """
    page = _page(pairs)
    with atomic_file(path, replace=replace, source=source, dated=False) as sink:
        page.save(sink, "JPEG", quality=90)  # type: ignore[arg-type]


def _page(pairs: Sequence[tuple[str, bytes]]) -> Image.Image:
    columns = min(_COLUMNS, len(pairs))
    lines = [
        [(name, _picture(data)) for name, data in pairs[at : at + columns]] for at in range(0, len(pairs), columns)
    ]
    label = round(1.5 * _TEXT)
    heights = [label + max(picture.height for _, picture in line) + _MARGIN for line in lines]
    canvas = Image.new("RGB", (_MARGIN + columns * (_CELL[0] + _MARGIN), _MARGIN + sum(heights)), _PAPER)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(_TEXT)
    top = _MARGIN
    for line, height in zip(lines, heights, strict=True):
        for column, (name, picture) in enumerate(line):
            left = _MARGIN + column * (_CELL[0] + _MARGIN)
            draw.text((left, top), _shortened(name, font), fill=_INK, font=font)
            canvas.paste(picture, (left, top + label))
        top += height
    return canvas


def _picture(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.thumbnail(_CELL)
    return picture


def _shortened(name: str, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont") -> str:
    """The end of a name that is too long for its cell."""
    text = name
    while font.getlength(text) > _CELL[0]:
        name = name[max(1, len(name) // 20) :]
        text = f"...{name}"
    return text
