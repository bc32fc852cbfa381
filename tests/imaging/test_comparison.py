"""Pictures of before and after, for people: both are whole, in their colours, beside or above each other."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from cliphaze_cli.imaging import comparison
from cliphaze_cli.imaging.comparison import LONG_SIDE, SMALL, save_comparison, small_comparison
from cliphaze_cli.imaging.comparison_paths import comparison_path
from cliphaze_cli.imaging.files import read, with_pixels, write
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.system.errors import OutputExistsError
from tests.imaging.samples import grey_icc_profile, photo


def flat(height: int, width: int, value: int | tuple[int, int, int], dtype: type = np.uint8) -> np.ndarray:
    return np.full((height, width, 3), value, dtype)


def saved(before: Photo, after: Photo, path: Path) -> np.ndarray:
    save_comparison(before, after, path)
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        return np.asarray(picture).astype(int)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((300, 400), (604, 400)),  # height and width: of the photo, of the picture
        ((400, 300), (400, 604)),
        ((300, 300), (300, 604)),
        ((300, 4000), (304, 2000)),
        ((4000, 300), (2000, 304)),
        ((8, 40_000), (6, 2000)),
        ((1, 1), (1, 6)),
    ],
)
def test_both_are_as_large_as_they_can_be(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    pixels = saved(photo(flat(*size, 200)), photo(flat(*size, 100)), tmp_path / "a.jpg")
    assert pixels.shape[:2] == expected and max(expected) <= LONG_SIDE
    first, last = pixels[0, 0], pixels[-1, -1]
    assert abs(first - 200).max() <= 12 and abs(last - 100).max() <= 12  # JPEG's losses at the line


def test_sixteen_bits_grey_and_transparency(tmp_path: Path) -> None:
    deep = saved(
        photo(flat(30, 20, 257 * 200, np.uint16)), photo(flat(30, 20, 257 * 50, np.uint16)), tmp_path / "a.jpg"
    )
    assert abs(deep[15, 5] - 200).max() <= 3 and abs(deep[15, 38] - 50).max() <= 3
    colours = flat(30, 20, (200, 100, 0))  # a grey photo is written as the luma of what was made of it
    grey = saved(photo(flat(30, 20, 90), grey=True), photo(colours, grey=True), tmp_path / "b.jpg")
    assert np.ptp(grey[15, 38]) <= 2 and abs(grey[15, 38] - 118).max() <= 3
    clear = photo(flat(30, 20, 50), np.zeros((30, 20), np.uint8))
    assert saved(clear, clear, tmp_path / "c.jpg")[15, 5].min() >= 252  # white where nothing is


def srgb_of(pixels: np.ndarray, **fields: Any) -> np.ndarray:
    one = photo(pixels, **fields)
    with Image.open(io.BytesIO(small_comparison(one, one))) as picture:
        return np.asarray(picture).astype(int)[5, 5]


def test_colours_are_converted_to_srgb() -> None:
    green = flat(20, 20, (60, 180, 60))
    assert abs(srgb_of(green) - (60, 180, 60)).max() <= 3
    p3 = srgb_of(green, colour=ColourLabel(cicp=(12, 13)))
    assert p3[0] < 40 and p3[1] > 178  # sRGB needs more of it for the same colour
    assert srgb_of(flat(20, 20, 55), colour=ColourLabel(gamma=1.0)).mean() == pytest.approx(128, abs=4)  # linear light
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert abs(srgb_of(green, icc=profile) - (60, 180, 60)).max() <= 3


@pytest.mark.parametrize("fields", [{"icc": b"damaged"}, {"icc": grey_icc_profile()}, {"colour": ColourLabel((9, 16))}])
def test_colours_that_cannot_be_converted_are_shown_as_they_are(fields: dict[str, Any]) -> None:
    assert abs(srgb_of(flat(20, 20, (60, 180, 60)), **fields) - (60, 180, 60)).max() <= 3


def test_a_grey_profile_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(comparison, "srgb_transform", lambda profile, mode: asked.append(mode))
    srgb_of(flat(20, 20, 55), grey=True, icc=grey_icc_profile())
    assert set(asked) == {"L"}
    assert abs(srgb_of(flat(20, 20, 55), grey=True, colour=ColourLabel(gamma=1.0)) - 55).max() <= 3


@pytest.mark.parametrize("size", [(3000, 2000), (2000, 3000), (20, 9000)])
def test_the_small_one_fits_a_terminal(size: tuple[int, int]) -> None:
    one = photo(flat(*size, 90))
    with Image.open(io.BytesIO(small_comparison(one, one))) as picture:
        assert picture.width <= SMALL[0] and picture.height <= SMALL[1]
        assert picture.width == SMALL[0] or picture.height == SMALL[1]


def test_nobody_may_see_in_it_what_they_may_not_read_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    write(photo(flat(20, 20, 90)), tmp_path / "in.png")
    (tmp_path / "in.png").chmod(0o600)
    before = read(tmp_path / "in.png")
    path = comparison_path(tmp_path / "a.b")
    assert path.name == "a.b.compare.jpg"
    save_comparison(before, with_pixels(before, before.pixels), path)
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    with pytest.raises(OutputExistsError):
        save_comparison(before, photo(flat(20, 20, 9)), path, replace=False)
    assert path.read_bytes() == content
