"""Sheets: all comparisons of a run on pages, in the order of the photos, readable by nobody who may not see them."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.batch.refusals import refuse_sheet
from cliphaze_cli.batch.sheet import Sheet
from cliphaze_cli.imaging.comparison_paths import PAIRS_PER_PAGE, sheet_paths
from cliphaze_cli.places.remote import on_disk
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.errors import ImageError, UsageError
from tests.imaging.samples import names_in


def result(folder: Path, name: str, level: int = 100, size: tuple[int, int] = (640, 240)) -> FileResult:
    sink = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(sink, "JPEG")
    (folder / name).touch()
    return FileResult(folder / name, None, "done", picture=sink.getvalue())


def test_pages_have_their_names() -> None:
    assert sheet_paths(Path("a/s.jpg"), 0) == sheet_paths(Path("a/s.jpg"), PAIRS_PER_PAGE) == [Path("a/s.jpg")]
    assert sheet_paths(Path("s.JPG"), 2 * PAIRS_PER_PAGE + 1) == [Path("s.JPG"), Path("s-2.JPG"), Path("s-3.JPG")]


def test_a_sheet_holds_the_photos_in_their_order(tmp_path: Path) -> None:
    sheet = Sheet(tmp_path / "s.jpg")
    for index in reversed(range(5)):  # as they are done
        sheet.add(result(tmp_path, f"{index}.png", 40 * index))
    sheet.add(FileResult(tmp_path / "none.png", None, "failed"))
    assert sheet.save() == [tmp_path / "s.jpg"]
    with Image.open(tmp_path / "s.jpg") as picture:
        pixels = np.asarray(picture).astype(int)
    assert pixels.shape[1] == 2000
    cells = [pixels[top, left, 0] for top in (100, 400) for left in (300, 1000, 1700)]
    assert np.abs(np.array(cells) - [0, 40, 80, 120, 160, 255]).max() <= 4
    assert pixels[20:44, 20:200].min() < 100  # the names


def test_many_photos_take_several_pages(tmp_path: Path) -> None:
    sheet = Sheet(tmp_path / "s.jpg")
    for index in range(PAIRS_PER_PAGE + 1):
        sheet.add(result(tmp_path, f"{index:03}.png", size=(8, 2)))
    assert [path.name for path in sheet.save()] == ["s.jpg", "s-2.jpg"]
    with Image.open(tmp_path / "s.jpg") as first, Image.open(tmp_path / "s-2.jpg") as second:
        assert first.width == 2000 and second.width == 680


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_one_private_photo_makes_the_page_private(tmp_path: Path) -> None:
    sheet = Sheet(tmp_path / "s.jpg")
    for name, mode in (("a.png", 0o644), ("b.png", 0o600)):
        one = result(tmp_path, name)
        on_disk(one.source).chmod(mode)
        sheet.add(one)
    sheet.save()
    assert (tmp_path / "s.jpg").stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_without_photos_nor_replaced_unasked(tmp_path: Path) -> None:
    assert Sheet(tmp_path / "s.jpg").save() == [] and names_in(tmp_path) == []
    (tmp_path / "s.jpg").write_text("mine")
    sheets = [Sheet(tmp_path / "s.jpg", replace=replace) for replace in (False, True)]
    for sheet in sheets:
        sheet.add(result(tmp_path, "a.png"))
    with pytest.raises(ImageError, match="exists by now"):
        sheets[0].save()
    assert (tmp_path / "s.jpg").read_text() == "mine"
    assert sheets[1].save()


def test_pictures_that_cannot_be_kept_do_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet(tmp_path / "s.jpg")

    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sheet, "_kept", Full())
    sheet.add(result(tmp_path, "a.png"))
    sheet.add(result(tmp_path, "b.png"))
    with pytest.raises(ImageError, match="No space left"):
        sheet.save()


def test_long_names_keep_their_end(tmp_path: Path) -> None:
    sheet = Sheet(tmp_path / "s.jpg")
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    sheet.add(result(folder, "ü\n.png", size=(600, 200)))
    sheet.save()
    with Image.open(tmp_path / "s.jpg") as picture:
        assert np.asarray(picture)[:44, 662:].min() > 200  # nothing beyond the cell


@pytest.mark.parametrize(
    ("name", "pairs", "complaint"),
    [
        ("s.png", 1, "takes a name that ends in .jpg or .jpeg"),
        ("folder.jpg", 1, "a folder of that name is in the way"),
        ("photo.jpg", 1, "would replace"),
        ("there.jpg", 1, "exists already"),
        ("new.jpg", PAIRS_PER_PAGE + 1, "new-2.jpg exists already"),
        ("x" * 252 + ".jpg", 1, "too long"),
    ],
)
def test_a_sheet_that_would_cost_something_is_refused(tmp_path: Path, name: str, pairs: int, complaint: str) -> None:
    (tmp_path / "folder.jpg").mkdir()
    for taken in ("photo.jpg", "there.jpg", "new-2.jpg"):
        (tmp_path / taken).touch()
    with pytest.raises(UsageError, match=complaint):
        refuse_sheet(tmp_path / name, pairs, iter([tmp_path / "photo.jpg"]), overwrite=False)
    refuse_sheet(tmp_path / "there.jpg", pairs, [], overwrite=True)
