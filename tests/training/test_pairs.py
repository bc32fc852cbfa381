"""Which hazy photo belongs to which clear one."""

import numpy as np
import pytest
from PIL import Image

from training.pairs import find_sets, read_rgb


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(pairs):
    return [(hazy.name, clear.name) for hazy, clear in pairs.pairs]


def test_stems_are_matched_up_to_the_last_underscore_that_fits(tmp_path):
    clear = ("0001.png", "0002.png", "a_b.png", "a.png")
    hazy = ("0001_0.8_0.2.jpg", "0001_1.jpg", "0002.jpg", "a_b_c.jpg", "a_c.jpg")
    touch(*(tmp_path / "set" / "clear" / n for n in clear), *(tmp_path / "set" / "hazy" / n for n in hazy))
    (found,) = find_sets(tmp_path)
    assert found.name == "set" and not found.clear_only
    assert names(found) == [
        ("0001_0.8_0.2.jpg", "0001.png"),
        ("0001_1.jpg", "0001.png"),
        ("0002.jpg", "0002.png"),
        ("a_b_c.jpg", "a_b.png"),
        ("a_c.jpg", "a.png"),
    ]


def test_a_folder_of_clear_photos(tmp_path):
    touch(tmp_path / "b" / "2.png", tmp_path / "b" / "1.png", tmp_path / "a" / "hazy" / "x.png")
    touch(tmp_path / "a" / "clear" / "x.png")
    pairs, clear = find_sets(tmp_path)
    assert (pairs.name, clear.name) == ("a", "b") and clear.clear_only
    assert names(clear) == [("1.png", "1.png"), ("2.png", "2.png")]


def test_the_folder_of_one_set_is_that_set(tmp_path):
    touch(tmp_path / "set" / "clear" / "1.png", tmp_path / "set" / "hazy" / "1_2.png")
    (found,) = find_sets(tmp_path / "set")
    assert found.name == "set" and not found.clear_only and names(found) == [("1_2.png", "1.png")]


def test_a_hazy_photo_without_its_truth_is_named(tmp_path):
    touch(tmp_path / "set" / "clear" / "1.png", tmp_path / "set" / "hazy" / "2_9.png")
    with pytest.raises(FileNotFoundError, match="2_9"):
        find_sets(tmp_path)


def test_no_sets(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folders"):
        find_sets(tmp_path)


def test_photos_are_read_as_rgb(tmp_path):
    Image.fromarray(np.full((3, 4), 77, np.uint8)).save(tmp_path / "grey.png")
    assert np.array_equal(read_rgb(tmp_path / "grey.png"), np.full((3, 4, 3), 77))
