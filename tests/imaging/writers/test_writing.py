"""Files appear complete or not at all, in the format asked for."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.system import atomic_file
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.system.part_file import PART_SUFFIX
from tests.imaging.samples import names_in, noise, photo, smooth


def failing(error: BaseException):
    def fail(*_args, **_options):
        raise error

    return fail


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, extension):
    path = tmp_path / f"out{extension}"
    path.write_bytes(b"old")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if step == "write":

        class Full(atomic_file._Sink):
            def __init__(self, stream, path):
                super().__init__(stream, path)
                self.write = failing(full)

        monkeypatch.setattr(atomic_file, "_Sink", Full)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", failing(full))
    else:
        monkeypatch.setattr(Path, "replace", failing(full))
    with pytest.raises(ImageError, match="no space left on") as caught:
        write(photo(smooth()), path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == [path.name]


def test_a_disk_that_fills_up_midway_ends_the_encoder(tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Filling(atomic_file._Sink):
        def __init__(self, stream, path):
            super().__init__(stream, path)

            def write(data: bytes) -> int:
                if stream.tell() > 1 << 20:
                    raise full
                return stream.write(data)

            self.write = write  # type: ignore[assignment]

    monkeypatch.setattr(atomic_file, "_Sink", Filling)
    large = photo(np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), np.uint8))
    with pytest.raises(ImageError, match="no space left on"):
        write(large, tmp_path / "out.jpg")
    assert names_in(tmp_path) == []


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.jpg"
    path.write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write(photo(smooth()), path)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == [path.name]


def test_an_encoder_that_fails_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Image.Image, "save", failing(OSError("encoder error -2\nwhen writing image file")))
    with pytest.raises(ImageError, match="encoder error -2 when writing image file; choose another format"):
        write(photo(smooth()), tmp_path / "out.jpg")
    assert names_in(tmp_path) == []


def test_while_writing_the_part_is_hidden_and_recognisable(tmp_path, monkeypatch):
    seen = []
    replace = Path.replace

    def look(self, target):
        seen.extend(names_in(tmp_path))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    write(photo(smooth()), tmp_path / "out.png")
    (part,) = seen
    assert part.startswith(".out.png.")
    assert part.endswith(PART_SUFFIX)


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write(photo(smooth()), tmp_path / "out.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    link.symlink_to(real)
    write(photo(smooth()), link)
    assert link.is_symlink()
    np.testing.assert_array_equal(read(real).pixels, smooth())


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "no permission"), (errno.EROFS, "read-only"), (errno.EIO, "check the disk")],
)
def test_refusals_of_the_system(tmp_path, monkeypatch, code, words):
    monkeypatch.setattr(os, "open", failing(OSError(code, os.strerror(code))))
    with pytest.raises(ImageError, match=words):
        write(photo(smooth()), tmp_path / "out.png")


def test_missing_folder(tmp_path):
    with pytest.raises(ImageError, match="no folder"):
        write(photo(smooth()), tmp_path / "gone" / "out.png")


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "out.png").mkdir()
    with pytest.raises(ImageError, match="it is a folder"):
        write(photo(smooth()), tmp_path / "out.png")


def test_long_names(tmp_path):
    path = tmp_path / ("ü" * 125 + ".png")
    write(photo(smooth()), path)
    assert path.is_file()
    with pytest.raises(ImageError, match="too long"):
        write(photo(smooth()), tmp_path / ("x" * 300 + ".png"))


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("out.jpg", None, "JPEG"),
        ("out.WEBP", None, "WEBP"),
        ("out.xyz", None, "TIFF"),
        ("out", None, "TIFF"),
        ("out.jpg", "png", "PNG"),
        ("out.jpg", "TIFF", "TIFF"),
        ("out.heic", None, "HEIF"),
    ],
)
def test_the_format_is_asked_for_or_named_or_the_sources(tmp_path, name, format, expected):
    write(photo(smooth(), format="TIFF"), tmp_path / name, format=format)
    assert read(tmp_path / name).format == expected


@pytest.mark.parametrize("format", ["GIF", "raw", "jpeg2000"])
def test_formats_that_cannot_be_written(tmp_path, format):
    with pytest.raises(ImageError, match="choose JPEG"):
        write(photo(smooth()), tmp_path / "out.jpg", format=format)


def test_quality_decides_the_size(tmp_path):
    pixels = noise(64, 64, 3)
    for extension in (".jpg", ".webp", ".avif", ".heic"):
        sizes = []
        for quality in (20, 60, None):
            write(photo(pixels), tmp_path / f"out{extension}", quality=quality)
            sizes.append((tmp_path / f"out{extension}").stat().st_size)
        assert sizes == sorted(set(sizes))
    with pytest.raises(ImageError, match="0 to 100"):
        write(photo(pixels), tmp_path / "out.jpg", quality=101)


@pytest.mark.parametrize(
    ("stored", "quality", "expected"), [("4:2:0", None, 2), ("4:2:0", 95, 0), ("4:2:2", None, 0), ("4:4:4", None, 0)]
)
def test_jpeg_gets_the_colour_resolution_that_a_jpeg_had(tmp_path, stored, quality, expected):
    Image.fromarray(smooth()).save(tmp_path / "in.jpg", subsampling=stored)
    source = read(tmp_path / "in.jpg")
    assert source.half_chroma == (stored == "4:2:0")
    write(source, tmp_path / "out.jpg", quality=quality)
    with Image.open(tmp_path / "out.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == expected


def test_jpeg_keeps_full_colour_resolution(tmp_path):
    write(photo(smooth()), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        sampling = [component[1:3] for component in image.layer]  # type: ignore[attr-defined]
        assert sampling == [(1, 1)] * 3


@pytest.mark.parametrize("extension", [".png", ".tif", ".bmp"])
def test_lossless_formats_are(tmp_path, extension):
    pixels = noise(61, 67, 3)
    write(photo(pixels), tmp_path / f"out{extension}")
    np.testing.assert_array_equal(read(tmp_path / f"out{extension}").pixels, pixels)


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".avif", ".heic"])
def test_lossy_formats_are_close(tmp_path, extension):
    write(photo(smooth()), tmp_path / f"out{extension}")
    error = read(tmp_path / f"out{extension}").pixels.astype(int) - smooth()
    assert np.abs(error).mean() < 2
    assert np.abs(error).max() <= 12


def test_more_pixels_a_side_than_the_format_can_describe(tmp_path):
    with pytest.raises(ImageError, match="at most 16383 pixels"):
        write(photo(np.zeros((1, 20_000, 3), np.uint8)), tmp_path / "out.webp")
    assert names_in(tmp_path) == []
