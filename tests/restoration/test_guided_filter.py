"""The guided filter: row bands equal the whole, constants stay, edges come from the photo."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cliphaze_cli.restoration import guided_filter, upsample
from cliphaze_cli.restoration.guided_filter import apply_rows, enlarge_rows, fit, guided_upsample


@pytest.mark.parametrize(
    ("small", "large"), [((5, 7), (23, 31)), ((1, 1), (9, 4)), ((4, 6), (4, 6)), ((3, 9), (40, 9))]
)
def test_bands_of_rows_equal_the_whole(small, large):
    maps = torch.rand(1, 6, *small)
    whole = F.interpolate(maps, large, mode="bilinear")
    for rows in (1, 2, 7):
        tops = range(0, large[0], rows)
        parts = [enlarge_rows(maps, top, min(rows, large[0] - top), large) for top in tops]
        torch.testing.assert_close(torch.cat(parts, 2), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.37, -2.5])
def test_a_constant_is_kept(value):
    fitted = fit(torch.rand(1, 1, 12, 15), torch.full((1, 2, 12, 15), value))
    full = apply_rows(fitted, torch.rand(1, 1, 60, 75), 0, 60)
    torch.testing.assert_close(full, torch.full_like(full, value), rtol=1e-4, atol=1e-5)


def test_a_linear_function_of_the_guide_is_kept():
    guide = torch.rand(1, 1, 40, 40)
    fitted = fit(guide, 3 * guide - 1, eps=1e-9)
    torch.testing.assert_close(apply_rows(fitted, guide, 0, 40), 3 * guide - 1, rtol=1e-3, atol=1e-3)


def step(size: int, edge: int) -> np.ndarray:
    """A picture dark left of column `edge` and bright from there on."""
    pixels = np.full((size, size, 3), 40, np.uint8)
    pixels[:, edge:] = 210
    return pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_edges_are_as_sharp_as_the_photos(dtype):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: np.float32(1 / 255)}[dtype]
    pixels = step(160, 83).astype(dtype) * scale
    truth = torch.from_numpy((step(160, 83)[..., 0] > 100).astype(np.float32))[None, None]
    coarse = F.adaptive_avg_pool2d(truth, 20)
    guided = guided_upsample(coarse, pixels)
    bilinear = F.interpolate(coarse, (160, 160), mode="bilinear")
    assert (guided - truth).abs().mean() < 0.2 * (bilinear - truth).abs().mean()
    assert guided[..., 84].mean() - guided[..., 81].mean() > 0.8


def test_in_flat_regions_the_map_is_merely_smoothed():
    ramp = torch.linspace(0, 1, 20).view(1, 1, 1, 20).expand(1, 1, 20, 20)
    full = guided_upsample(ramp, np.full((160, 160, 3), 128, np.uint8))
    assert (full[0, 0].diff(dim=1) >= -1e-6).all()
    torch.testing.assert_close(full[0, 0, :, 80], torch.full((160,), 0.5), rtol=0.02, atol=0.02)


def test_the_size_of_the_bands_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    pixels, target = rng.integers(0, 256, (61, 83, 3), np.uint8), torch.rand(1, 6, 15, 20)
    whole = guided_upsample(target, pixels)
    monkeypatch.setattr(upsample, "BAND_PIXELS", 200)
    torch.testing.assert_close(guided_upsample(target, pixels), whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 3), (33, 50)])
@pytest.mark.parametrize("radius", [1, 8])
def test_means_of_a_window_leave_out_what_lies_beyond_the_border(size, radius):
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    window = 2 * radius + 1
    expected = F.avg_pool2d(x, window, 1, radius, count_include_pad=False)
    torch.testing.assert_close(guided_filter._box(x, radius), expected, rtol=1e-5, atol=1e-6)
