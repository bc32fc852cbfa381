"""Depth and grey conversions are exact."""

import numpy as np

from cliphaze_cli.imaging.bitdepth import luma, to_8bit
from tests.imaging.samples import noise


def test_every_16_bit_value_is_rounded_to_the_nearest_8_bit_value():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(to_8bit(values), np.floor(values / 257.0 + 0.5))


def test_8_bits_come_back_from_16():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_8bit(values.astype(np.uint16) * 257), values)
    assert to_8bit(values) is values


def test_luma_of_grey_is_the_grey():
    for dtype in (np.uint8, np.uint16):
        values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(256, -1)
        np.testing.assert_array_equal(luma(np.repeat(values[..., None], 3, axis=2)), values)


def test_luma_weighs_as_rec_601():
    pixels = noise(50, 40, 3, dtype=np.uint16)
    np.testing.assert_allclose(luma(pixels), pixels @ (0.299, 0.587, 0.114), atol=1)
