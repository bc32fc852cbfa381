"""What PNG files say beside their picture, at 8 and at 16 bits."""

import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.metadata.png_chunks import chunk
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import CASES, exif_block, icc_profile, noise, photo, xmp_packet

DEPTHS = pytest.mark.parametrize("dtype", [np.uint8, np.uint16])


def with_chunks(path, dtype, *chunks, after=b"", **fields):
    """A PNG file with chunks put after its header, and others after its picture."""
    write(photo(noise(48, 64, 3, dtype=dtype), **fields), path)
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:-12] + after + data[-12:])


def raw_profile(kind: str, block: bytes) -> bytes:
    text = f"\n{kind}\n{len(block):8d}\n{block.hex()}\n".encode()
    return chunk(b"zTXt", f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(text))


def test_exif_in_a_text_turns_and_describes_a_sixteen_bit_photo(tmp_path):
    result = read(CASES / "rawexif6_16.png")
    assert result.pixels.shape == (192, 288, 3)
    write(result, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (288, 192)
        assert image.getexif()[271] == "DJI"
        assert 274 not in image.getexif()


@DEPTHS
@pytest.mark.parametrize("kind", ["exif", "APP1"])
def test_exif_in_a_text(tmp_path, dtype, kind):
    with_chunks(tmp_path / "in.png", dtype, raw_profile(kind, exif_block(6)))
    result = read(tmp_path / "in.png")
    assert result.pixels.shape == (64, 48, 3)
    assert result.exif is not None


@DEPTHS
def test_orientation_in_xmp_alone(tmp_path, dtype):
    with_chunks(tmp_path / "in.png", dtype, xmp=xmp_packet("", 'tiff:Orientation="8"'))
    assert read(tmp_path / "in.png").pixels.shape == (64, 48, 3)


@DEPTHS
def test_texts_survive(tmp_path, dtype):
    texts = (("Title", "fog"), ("Author", "José"), ("Description", "東京 霧"))
    write(photo(noise(4, 5, 3, dtype=dtype), texts=texts), tmp_path / "in.png")
    write(read(tmp_path / "in.png"), tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert isinstance(image, PngImagePlugin.PngImageFile)
        assert {key: str(value) for key, value in image.text.items()} == dict(texts)
    notices = write(read(tmp_path / "in.png"), tmp_path / "out.jpg")
    assert any("Title, Author, Description" in notice for notice in notices)


@DEPTHS
@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_huge_texts_and_profiles_cost_only_themselves(tmp_path, dtype, kind):
    packed = zlib.compress(bytes(80 << 20))
    start = {b"zTXt": b"Title\0\0", b"iTXt": b"Title\0\1\0\0\0", b"iCCP": b"ICC\0\0"}[kind]
    with_chunks(tmp_path / "in.png", dtype, chunk(kind, start + packed))
    result = read(tmp_path / "in.png")
    assert (result.icc, result.texts) == (None, ())
    assert any("larger than 64 MB" in notice for notice in result.notices)


@DEPTHS
def test_damaged_chunks_that_a_photo_can_do_without(tmp_path, dtype):
    bad = bytearray(chunk(b"eXIf", exif_block(6)[6:]))
    bad[-1] ^= 1
    with_chunks(tmp_path / "in.png", dtype, bytes(bad), chunk(b"tEXt", b"no end"), chunk(b"zTXt", b"a\0\0junk"))
    assert read(tmp_path / "in.png").pixels.shape == (48, 64, 3)


@DEPTHS
@pytest.mark.parametrize("rest", [b"\0\0\0\xffeXIf12", b"\0\0\0\1\x01\x02\x03\x04abcde", b"junk" * 5])
def test_damage_after_the_picture_is_said(tmp_path, dtype, rest, capfd):
    write(photo(noise(48, 64, 3, dtype=dtype)), tmp_path / "in.png")
    data = (tmp_path / "in.png").read_bytes()
    (tmp_path / "in.png").write_bytes(data[:-12] + rest)
    result = read(tmp_path / "in.png")
    np.testing.assert_array_equal(result.pixels, noise(48, 64, 3, dtype=dtype))
    assert "damage after the picture" in result.notices[0]
    assert capfd.readouterr() == ("", "")


@DEPTHS
def test_damage_within_the_picture_is_refused(tmp_path, dtype):
    write(photo(noise(48, 64, 3, dtype=dtype)), tmp_path / "in.png")
    data = (tmp_path / "in.png").read_bytes()
    (tmp_path / "in.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match="cut off"):
        read(tmp_path / "in.png")


def test_broken_frames_of_an_animation_do_not_cost_the_first(tmp_path):
    frames = [Image.fromarray(noise(8, 9, 3, seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / "in.png", save_all=True, append_images=frames[1:])
    data = (tmp_path / "in.png").read_bytes()
    at = data.index(b"fdAT") - 4
    (tmp_path / "in.png").write_bytes(data[:at] + data[at + 9 :])
    result = read(tmp_path / "in.png")
    np.testing.assert_array_equal(result.pixels, noise(8, 9, 3))
    assert "first of 3 frames used" in result.notices


@DEPTHS
def test_profile_and_resolution(tmp_path, dtype):
    with_chunks(tmp_path / "in.png", dtype, icc=icc_profile(), dpi=(300.0, 300.0))
    result = read(tmp_path / "in.png")
    assert result.icc == icc_profile()
    assert result.dpi == pytest.approx((300, 300), abs=0.05)
