"""Whatever is wrong with a file, the message is one line that says what to do."""

import os
import struct
import sys
import threading
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import noise, photo, smooth


def refusal(path, **options) -> str:
    with pytest.raises(ImageError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("cannot read ")
    return message


def test_empty_file(tmp_path):
    path = tmp_path / "in.jpg"
    path.touch()
    assert "empty" in refusal(path)


def test_text_file(tmp_path):
    path = tmp_path / "in.jpg"
    path.write_text("this is not a photo\n" * 50)
    assert "not a JPEG" in refusal(path)


def test_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "gone.jpg")


def test_folder(tmp_path):
    assert "folder" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_pipe_is_refused_without_waiting(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    assert "not a regular file" in refusal(path)


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "in.png"
    Image.fromarray(smooth()).save(path)

    def denied(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    assert "no permission" in refusal(path)


def test_names_with_line_breaks_keep_the_message_on_one_line(tmp_path):
    refusal(tmp_path / "two\nlines.jpg")


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tif", ".bmp", ".avif", ".heic"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_truncated_files(tmp_path, capfd, extension, part):
    path = tmp_path / f"in{extension}"
    write(photo(noise(64, 80, 3)), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refusal(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_truncated_sixteen_bit_files(tmp_path, capfd, extension, part):
    path = tmp_path / f"in{extension}"
    write(photo(noise(64, 80, 3, dtype=np.uint16)), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refusal(path)
    assert capfd.readouterr() == ("", "")


def test_altered_sixteen_bit_png(tmp_path):
    path = tmp_path / "in.png"
    write(photo(noise(64, 80, 3, dtype=np.uint16)), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "damaged" in refusal(path)


def test_cut_off_uncompressed_tiff_is_not_filled_with_black(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, noise(64, 80, 3, dtype=np.uint16), photometric="rgb")
    path.write_bytes(path.read_bytes()[:-500])
    assert "cut off" in refusal(path)


@pytest.mark.parametrize("bits", [8, 16])
def test_bombs_are_refused_before_decoding(tmp_path, bits):
    path = tmp_path / "bomb.png"
    chunks = b""
    header = struct.pack(">IIBBBBB", 60_000, 50_000, bits, 2, 0, 0, 0)
    for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")):
        chunks += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    message = refusal(path)
    assert "60000 x 50000 is 3000 megapixels, and the limit is 200" in message


def test_the_limit_is_the_callers(tmp_path):
    path = tmp_path / "in.jpg"
    Image.fromarray(smooth()).save(path)
    assert read(path, max_pixels=48 * 64).pixels.shape == (48, 64, 3)
    assert "64 x 48 is 0.00307 megapixels, and the limit is 0.003" in refusal(path, max_pixels=3000)


def test_pillows_own_limit_neither_applies_nor_changes(tmp_path, monkeypatch):
    path = tmp_path / "in.png"
    Image.fromarray(smooth()).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings(record=True) as seen:
        threads = [threading.Thread(target=lambda: [read(path) for _ in range(20)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read(path).pixels.shape == (48, 64, 3)
    assert Image.MAX_IMAGE_PIXELS == 100
    assert not seen


@pytest.mark.parametrize(("real", "name"), [("PNG", "in.jpg"), ("JPEG", "in.png"), ("TIFF", "in.webp"), ("BMP", "in")])
def test_the_content_counts_not_the_name(tmp_path, real, name):
    path = tmp_path / name
    Image.fromarray(smooth()).save(path, real)
    result = read(path)
    assert result.format == real
    assert np.abs(result.pixels.astype(int) - smooth()).max() <= 8


def test_camera_raw_is_not_taken_for_its_preview(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    path = tmp_path / "in.dng"
    tifffile.imwrite(path, smooth(), photometric="rgb", extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    assert "camera raw" in refusal(path)


def test_unsupported_kinds_of_images(tmp_path):
    path = tmp_path / "in.gif"
    Image.fromarray(smooth()).save(path)
    assert "not a JPEG, PNG" in refusal(path)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".webp", ".bmp"])
def test_random_damage_gives_a_photo_or_a_message(tmp_path, capfd, extension, seed):
    path = tmp_path / f"in{extension}"
    depth = np.uint16 if seed % 2 else np.uint8
    write(photo(noise(24, 30, 3, dtype=depth), exif=None), path)
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(0, min(len(data), 400), 6):
        data[at] = random.integers(0, 256)
    path.write_bytes(data)
    try:
        assert read(path, max_pixels=10**6).pixels.shape[2] == 3
    except ImageError as error:
        assert "\n" not in str(error)
    if extension != ".tif":  # libtiff itself prints to stderr about damaged ZIP data
        assert capfd.readouterr() == ("", "")
