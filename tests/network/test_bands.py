"""Bands: computed piece by piece, the result is that of the whole; where gradients are wanted it is the whole."""

import pytest
import torch
import torch.nn.functional as F

from cliphaze_cli.network import bands
from cliphaze_cli.network.bands import in_bands
from tests.conftest import small_network

KERNEL = torch.randn(3, 1, 3, 3)


@pytest.fixture
def narrow(monkeypatch):
    """Bands of the fewest rows that there may be."""
    monkeypatch.setattr(bands, "BAND_ELEMENTS", 1)


def blur(x):
    return F.conv2d(x, KERNEL, padding=1, groups=3)


@pytest.mark.parametrize("height", [1, 2, 7, 8, 9, 16, 17, 31])
@torch.no_grad()
def test_neighbouring_rows_are_seen_across_bands(narrow, height):
    x = torch.randn(2, 3, height, 5)
    torch.testing.assert_close(in_bands(blur, x, halo=1), blur(x))


@torch.no_grad()
def test_several_maps_of_any_layout(narrow):
    x, y = torch.randn(2, 3, 9, 5), torch.randn(2, 1, 5, 9).transpose(2, 3)
    result = in_bands(torch.mul, x.contiguous(memory_format=torch.channels_last), y)
    assert torch.equal(result, x * y)
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_where_gradients_are_wanted_nothing_is_cut(narrow):
    heights = []

    def noted(x):
        heights.append(x.shape[2])
        return blur(x)

    x = torch.randn(1, 3, 40, 5, requires_grad=True)
    in_bands(noted, x, halo=1).sum().backward()
    assert heights == [40] and x.grad is not None
    with torch.no_grad():
        in_bands(noted, x, halo=1)
    assert len(heights) > 2 and max(heights[1:]) < 40


@torch.no_grad()
def test_the_network_has_no_seams(monkeypatch):
    network = small_network(blocks=(2, 1, 2, 1, 1))
    hazy, density, embedding = torch.rand(2, 3, 75, 90), torch.rand(2, 1, 9, 9), torch.randn(2, 8)
    for instructions in ((), (density, embedding)):
        whole = network(hazy, *instructions)
        with monkeypatch.context() as patch:
            patch.setattr(bands, "BAND_ELEMENTS", 1)
            cut = network(hazy, *instructions)
        torch.testing.assert_close(cut, whole, rtol=1e-4, atol=1e-5)


def test_the_network_computes_the_same_with_and_without_gradients(narrow):
    network, hazy = small_network(blocks=(2, 1, 2, 1, 1)), torch.rand(1, 3, 75, 90)
    whole = network(hazy)
    with torch.inference_mode():
        torch.testing.assert_close(network(hazy), whole, rtol=1e-4, atol=1e-5)
