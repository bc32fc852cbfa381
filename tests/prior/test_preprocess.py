import numpy as np
import pytest
import torch

from cliphaze_cli.prior import preprocess
from cliphaze_cli.prior.preprocess import fitted_size, normalised, resized
from tests.prior.tiny_clip import crisp


def test_resizing_in_bands_is_resizing_at_once(monkeypatch):
    pixels = crisp(100, 60)
    whole = resized(pixels, 32, 24)
    monkeypatch.setattr(preprocess, "_BAND_BYTES", 7 * 60 * 3 * 4)  # seven rows at a time
    torch.testing.assert_close(resized(pixels, 32, 24), whole)
    reference = torch.from_numpy(pixels).permute(2, 0, 1)[None].double() / 255
    reference = torch.nn.functional.interpolate(reference, size=(32, 24), mode="bicubic", antialias=True).clamp(0, 1)
    torch.testing.assert_close(whole.double(), reference, atol=1e-5, rtol=0)


def test_sixteen_bits_and_floats_look_like_eight_bits():
    pixels = crisp(40, 50)
    expected = resized(pixels, 16, 20)
    torch.testing.assert_close(resized(pixels.astype(np.uint16) * 257, 16, 20), expected)
    torch.testing.assert_close(resized(pixels.astype(np.float32) / 255, 16, 20), expected)


def test_resizing_mirrors_with_the_photo_and_stays_in_range():
    pixels = crisp(61, 83)
    small = resized(pixels, 32, 40)
    torch.testing.assert_close(resized(np.ascontiguousarray(pixels[:, ::-1]), 32, 40), small.flip(3), atol=1e-5, rtol=0)
    assert float(small.min()) >= 0 and float(small.max()) <= 1


def test_views_that_torch_cannot_share_are_accepted():
    pixels = crisp(40, 50)
    torch.testing.assert_close(resized(pixels[::-1, ::-1], 8, 8), resized(pixels[::-1, ::-1].copy(), 8, 8))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(pixels):
    with pytest.raises(ValueError, match="pixels must be"):
        resized(pixels, 8, 8)


def test_normalised_by_the_models_mean_and_std():
    images = torch.full((2, 3, 4, 4), 0.5)
    result = normalised(images, torch.tensor([0.5, 0.25, 0.0]), torch.tensor([1.0, 0.5, 0.25]))
    torch.testing.assert_close(result[1, :, 2, 2], torch.tensor([0.0, 0.5, 2.0]))


def test_fitted_size_keeps_the_aspect_up_to_a_limit():
    assert fitted_size(300, 400, 60) == (60, 80)
    assert fitted_size(400, 300, 60) == (80, 60)
    assert fitted_size(1, 1_000_000, 32) == (32, 32 * preprocess.MAX_ASPECT)
