"""Bands of enlarged maps against torch's own bilinear interpolation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cliphaze_cli.restoration import upsample
from cliphaze_cli.restoration.upsample import enlarged_bands, interleaved


def enlarged(maps: torch.Tensor, height: int, width: int, channels: int) -> torch.Tensor:
    """All bands together, back in torch's layout (1, M * C, H, W)."""
    kinds = maps.shape[1] // channels
    full = np.empty((height, kinds, width * channels), np.float32)
    expected = 0
    for top, bottom, band in enlarged_bands(interleaved(maps, channels), (height, width)):
        assert top == expected
        full[top:bottom] = band.numpy()
        expected = bottom
    assert expected == height
    return torch.from_numpy(full).view(height, kinds, width, channels).permute(1, 3, 0, 2).flatten(0, 1)[None]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("band_pixels", [1, 300, 1 << 16])
@pytest.mark.parametrize(
    ("small", "large"),
    [
        ((5, 7), (23, 31)),
        ((1, 1), (9, 4)),
        ((4, 6), (4, 6)),
        ((3, 9), (400, 9)),
        ((40, 5), (41, 700)),
        ((1, 8), (1, 80)),
    ],
)
def test_bands_are_torchs_bilinear_interpolation(monkeypatch, small, large, band_pixels, channels):
    monkeypatch.setattr(upsample, "BAND_PIXELS", band_pixels)
    maps = torch.rand(1, 4 * channels, *small, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps, large, mode="bilinear")
    torch.testing.assert_close(enlarged(maps, large[0], large[1], channels), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("strip", [(0, 9), (9, 10), (10, 45), (40, 45)])
@pytest.mark.parametrize("margin", [0, 3])
def test_a_strip_and_maps_that_cover_more(monkeypatch, strip, margin):
    monkeypatch.setattr(upsample, "BAND_PIXELS", 200)
    maps = torch.rand(1, 6, 12, 10, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps, (48, 40), mode="bilinear")[
        :, :, strip[0] + margin : strip[1] + margin, margin : margin + 37
    ]
    bands = [
        band.numpy().copy()
        for *_, band in enlarged_bands(interleaved(maps, 3), (45, 37), covered=(48, 40), margin=margin, strip=strip)
    ]
    found = torch.from_numpy(np.concatenate(bands)).view(-1, 2, 37, 3).permute(1, 3, 0, 2).flatten(0, 1)[None]
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-4)


def test_memory_does_not_grow_with_the_height():
    """A column as high as the reader's limit on pixels allows: no matrix of all rows may be made."""
    maps = np.ones((512, 4, 1, 3), np.float32)
    top, bottom, band = next(enlarged_bands(maps, (200_000_000, 1)))
    assert top == 0 and band.shape == (bottom, 4, 3) and bool((band == 1).all())
