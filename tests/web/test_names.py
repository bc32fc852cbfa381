"""Names of uploads lead nowhere on the server's disk, and messages tell nothing of it."""

from pathlib import Path

import pytest

from cliphaze_cli.web import names


@pytest.mark.parametrize(
    ("told", "plain", "on_disk"),
    [
        ("a.JPG", "a.JPG", "photo.JPG"),
        ("../../etc/passwd", "passwd", "photo"),
        ("C:\\photos\\b.tif", "b.tif", "photo.tif"),
        ("..", "photo", "photo"),
        ("", "photo", "photo"),
        ("a\nb\x1b[2J.png", "ab[2J.png", "photo.png"),
        ("x.tar.gz", "x.tar.gz", "photo"),
        ("Nebel über Köln.jpeg", "Nebel über Köln.jpeg", "photo.jpeg"),
        ("n" * 300 + ".webp", "n" * 115 + ".webp", "photo.webp"),
    ],
)
def test_names(told: str, plain: str, on_disk: str) -> None:
    assert names.plain(told) == plain
    assert names.on_disk(names.plain(told)) == on_disk


def test_a_name_that_is_all_ending_is_bounded() -> None:
    assert len(names.plain("a." + "x" * 500)) <= 121


@pytest.mark.parametrize(
    ("name", "download"),
    [("a.jpeg", "a-dehazed.jpeg"), ("a.jxl", "a-dehazed.png"), ("a.nef", "a-dehazed.tif"), ("a", "a-dehazed.png")],
)
def test_downloads_have_the_ending_that_the_command_gives(name: str, download: str) -> None:
    assert names.of_download(name) == download


def test_messages_name_the_photo_only() -> None:
    source = Path("/tmp/cliphaze-web-x/y/z/photo.jpg")
    assert names.told(f"cannot read {source}: no", source, "a.jpg") == "cannot read a.jpg: no"
    assert names.told(f"cannot write {source.parent}/1.0.jpg", source, "a.jpg") == (
        "a.jpg: cannot write the server's folder/1.0.jpg"
    )
