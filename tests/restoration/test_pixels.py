"""Pixel arrays to tensors and back, and the working size."""

import numpy as np
import pytest
import torch

from cliphaze_cli.restoration.pixels import full_scale, luma, rows_as_tensor, shrink, tensor_as_rows, working_size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives(dtype):
    levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    pixels = np.resize(levels, (len(levels) // 64 + 1, 64, 3))
    x = rows_as_tensor(pixels)
    assert x.shape == (1, 3, *pixels.shape[:2]) and x.dtype == torch.float32
    assert x.min() == 0 and x.max() == 1
    back = tensor_as_rows(x, pixels.dtype)
    assert back.dtype == dtype and np.array_equal(back, pixels)


def test_floats_survive():
    pixels = np.random.default_rng(0).random((5, 4, 3), np.float32)
    assert np.array_equal(tensor_as_rows(rows_as_tensor(pixels), pixels.dtype), pixels)


def test_values_are_clipped_and_rounded():
    x = torch.tensor([-0.5, 0.4 / 255, 0.6 / 255, 1.5]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    assert tensor_as_rows(x, np.dtype(np.uint8))[0, :, 0].tolist() == [0, 0, 1, 255]
    assert tensor_as_rows(x, np.dtype(np.uint16))[0, ::3, 0].tolist() == [0, 65535]
    assert tensor_as_rows(x, np.dtype(np.float32))[0, ::3, 0].tolist() == [0, 1]


def test_colours_keep_their_place():
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[1, 2] = (255, 0, 51)
    torch.testing.assert_close(rows_as_tensor(pixels)[0, :, 1, 2], torch.tensor([1, 0, 0.2]))


def test_read_only_and_reversed_arrays_are_taken_and_not_shared():
    pixels = np.random.default_rng(0).random((4, 5, 3), np.float32)
    pixels.setflags(write=False)
    x = rows_as_tensor(pixels[::-1, :, ::-1])
    assert np.array_equal(x[0].permute(1, 2, 0).numpy(), pixels[::-1, :, ::-1])
    x.zero_()
    assert pixels.any()


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="uint8, uint16 or float32, not int64"):
        full_scale(np.dtype(np.int64))


def test_luma_of_grey_is_that_grey():
    torch.testing.assert_close(luma(torch.full((1, 3, 2, 2), 0.3)), torch.full((1, 1, 2, 2), 0.3))
    assert luma(torch.tensor([0.0, 1, 0]).view(1, 3, 1, 1)) > luma(torch.tensor([1.0, 0, 1]).view(1, 3, 1, 1))


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((600, 800), None, (600, 800)),
        ((600, 800), 800, (600, 800)),
        ((600, 800), 400, (300, 400)),
        ((6000, 4000), 768, (768, 512)),
        ((10_000, 1), 100, (100, 1)),
        ((1, 10_000), 100, (1, 100)),
    ],
)
def test_working_size(size, long_side, expected):
    height, width = size
    assert working_size(height, width, long_side) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_shrinking_averages_areas(dtype):
    pixels = np.zeros((8, 12, 3), dtype)
    pixels[::2] = 200 if dtype != np.float32 else 0.5
    small = shrink(pixels, 4, 6)
    assert small.shape == (4, 6, 3) and small.dtype == dtype
    assert (small == (100 if dtype != np.float32 else 0.25)).all()
    assert shrink(pixels, 8, 12) is pixels
