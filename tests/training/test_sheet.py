"""Before/after sheets: the right pairs, side by side."""

import pytest
import typer
from PIL import Image

from training.sheet import sheet


def test_pairs_lie_side_by_side(tmp_path):
    for folder, colour in (("hazy", "red"), ("clear", "blue")):
        (tmp_path / folder).mkdir()
        for name in ("a.png", "b.png"):
            Image.new("RGB", (80, 40), colour).save(tmp_path / folder / name)
    (tmp_path / "clear" / "b.png").unlink()
    (tmp_path / "clear" / "a.density.png").write_bytes(b"not looked at")
    sheet(tmp_path / "hazy", tmp_path / "clear", tmp_path / "sheet.png", columns=1, width=40)
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.getpixel((20, 10)) == (255, 0, 0) and image.getpixel((62, 10)) == (0, 0, 255)
        assert image.height < 30  # one row: b has no output


def test_no_pairs(tmp_path):
    for folder in ("hazy", "clear"):
        (tmp_path / folder).mkdir()
    with pytest.raises(typer.BadParameter, match="has an output"):
        sheet(tmp_path / "hazy", tmp_path / "clear", tmp_path / "sheet.png")
