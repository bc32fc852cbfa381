"""Names and formats."""

import subprocess
import sys
from pathlib import Path

import pytest

from cliphaze_cli.imaging.formats import (
    EXTENSIONS,
    FORMATS,
    extension_of_content,
    format_named,
    is_image_name,
    output_extension,
)


@pytest.mark.parametrize("name", ["a.jpg", "b.JPEG", "c.Tiff", "d.heic", "e.f.avif"])
def test_image_names(name):
    assert is_image_name(Path(name))


@pytest.mark.parametrize("name", ["jpg", ".jpg", "a.txt", "a.jpg.part", "a.psd", "a"])
def test_other_names(name):
    assert not is_image_name(Path(name))


@pytest.mark.parametrize(
    ("name", "format"),
    [("jpg", "JPEG"), ("JPEG", "JPEG"), (".tif", "TIFF"), ("heic", "HEIF"), ("gif", None), ("", None)],
)
def test_format_names_as_people_type_them(name, format):
    assert format_named(name) == format


def test_new_files_get_an_extension_of_their_format():
    for name in FORMATS:
        assert EXTENSIONS[output_extension(name)] == name


@pytest.mark.parametrize(
    ("head", "extension"),
    [
        (b"\xff\xd8\xff\xe0", ".jpg"),
        (b"II*\0", ".tif"),
        (b"\0\0\0\x1cftypavif", ".avif"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", ".cr3"),
        (b"\xff\x0a\xfa\x1f", ".jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", ".jxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", ".jp2"),
        (b"\xff\x4f\xff\x51", ".j2k"),
        (b"GIF89a", ""),
    ],
)
def test_extensions_by_content(head, extension):
    assert extension_of_content(head) == extension


def test_nothing_heavy_is_imported():
    code = "import sys, cliphaze_cli.imaging.formats; print([m for m in ('numpy', 'PIL', 'cv2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
