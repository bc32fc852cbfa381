"""Every layout of PNG that is written is what other decoders see, with whatever chunks belong beside the picture."""

import io
import struct
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.imaging.files import write
from cliphaze_cli.imaging.metadata.png_chunks import chunk
from cliphaze_cli.imaging.writers import png
from cliphaze_cli.system.errors import ImageError
from tests.imaging.samples import noise, photo


def encoded(samples, **options) -> bytes:
    sink = io.BytesIO()
    png.encode(sink, samples, **options)
    return sink.getvalue()


def kinds(data: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(data):
        found.append(data[at + 4 : at + 8])
        at += 12 + struct.unpack_from(">I", data, at)[0]
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_other_decoders_see_the_samples(channels, dtype):
    samples = noise(41, 67, channels, dtype=dtype)
    data = encoded(np.squeeze(samples))
    np.testing.assert_array_equal(imagecodecs.png_decode(data).reshape(samples.shape), samples)
    if dtype == np.uint8:
        with Image.open(io.BytesIO(data)) as image:
            np.testing.assert_array_equal(np.asarray(image).reshape(samples.shape), samples)
    if channels != 2:  # which OpenCV widens
        theirs: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        theirs = theirs.reshape(samples.shape)
        np.testing.assert_array_equal(theirs[..., [2, 1, 0, 3][:channels] if channels > 1 else [0]], samples)


def test_samples_that_do_not_lie_in_a_row_are_written_too():
    samples = noise(41, 67, 3)
    assert encoded(samples[::-1, ::2]) == encoded(np.ascontiguousarray(samples[::-1, ::2]))


def test_what_belongs_beside_the_picture_stands_before_it():
    data = encoded(
        noise(9, 9, 3),
        title="Haze",
        profile=b"profile",
        dpi=(300, 300),
        exif_block=b"Exif\0\0II*\0",
        chunks=[chunk(b"gAMA", bytes(4))],
    )
    found = kinds(data)
    assert found[:6] == [b"IHDR", b"tEXt", b"iCCP", b"pHYs", b"eXIf", b"gAMA"]
    assert set(found[6:-1]) == {b"IDAT"}
    assert found[-1] == b"IEND"


def test_a_picture_longer_than_the_encoder_takes_is_refused_in_one_line(tmp_path, capfd):
    with pytest.raises(ImageError, match="at most 1000000 pixels a side"):
        write(photo(np.zeros((1, 1_000_001, 3), np.uint8)), tmp_path / "long.png")
    assert capfd.readouterr().err == ""


def test_sixteen_bits_are_no_larger_than_by_zlib_whatever_they_hold():
    smooth: Any = cv2.resize(noise(8, 8, 1, dtype=np.uint16), (400, 300), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 300, smooth.shape)
    for samples in (smooth, np.clip(smooth + grain, 0, 65535).astype(np.uint16), (smooth >> 8) * np.uint16(257)):
        usual = imagecodecs.png_encode(samples, level=4)
        assert len(encoded(samples)) < 1.02 * len(usual)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1, 2), (1, 3000, 4), (3000, 1, 3), (400, 500, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_cannot_be_compressed_is_written_too(shape, dtype):
    samples = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    np.testing.assert_array_equal(imagecodecs.png_decode(encoded(samples)), samples)
