"""The whole network: any size, harmless instructions, and arithmetic that does not change unnoticed."""

import zlib

import pytest
import torch

from cliphaze_cli.network.cliphaze import CLIPHaze, apply_maps, share_airlight
from cliphaze_cli.network.config import VARIANTS, CLIPHazeConfig
from tests.conftest import small_network, train_embedding


@pytest.fixture(scope="module")
def network() -> CLIPHaze:
    return small_network()


@pytest.mark.parametrize("size", [(1, 1), (1, 17), (33, 47), (64, 32), (7, 100)])
def test_any_size(network, size):
    K, B = network(torch.rand(2, 3, *size))
    assert K.shape == B.shape == (2, 3, *size)
    assert K.isfinite().all() and B.isfinite().all()


@pytest.mark.parametrize("stem", [1, 2, 4])
def test_any_stem(stem):
    K, B = small_network(stem=stem)(torch.rand(1, 3, 21, 30))
    assert K.shape == B.shape == (1, 3, 21, 30)
    assert K.std() > 0


def test_untrained_it_leaves_the_image_as_it_is():
    network = CLIPHaze(CLIPHazeConfig(width=8, blocks=(1, 1, 1, 1, 1), stem=2))
    hazy = torch.rand(2, 3, 20, 24)
    assert torch.equal(apply_maps(hazy, *network(hazy)), hazy)


def test_true_maps_undo_haze():
    clear, t, A = torch.rand(1, 3, 8, 8), 0.2 + 0.7 * torch.rand(1, 1, 8, 8), torch.tensor([0.9, 0.8, 0.7])
    A = A.view(1, 3, 1, 1)
    hazy = clear * t + A * (1 - t)
    K = (1 / t - 1).expand_as(hazy)
    torch.testing.assert_close(apply_maps(hazy, K, A * K), clear, rtol=1e-4, atol=1e-5)


def test_a_map_of_absence_is_no_map(network):
    hazy, maps = torch.rand(2, 3, 24, 40), torch.rand(2, 1, 6, 6)
    maps[0] = -1
    mixed, none, given = (torch.cat(network(hazy, x), 1) for x in (maps, None, maps.clamp_min(0)))
    torch.testing.assert_close(mixed[0], none[0])
    torch.testing.assert_close(mixed[1], given[1])
    assert (given - none).abs().amax((1, 2, 3)).min() > 1e-4


def test_airlight_is_shared_as_far_as_wanted_and_taken_from_where_it_shows():
    airlight, hazy = torch.rand(2, 3, 4, 6), torch.rand(2, 3, 4, 6)
    nothing = torch.zeros(2, 1, 4, 6)
    never, always = nothing - 50, nothing + 50
    tau = torch.zeros(2, 3, 4, 6)
    tau[..., 2:] = 3  # only the right part has haze
    torch.testing.assert_close(share_airlight(airlight, hazy, tau, nothing, never, always), airlight)
    shared = share_airlight(airlight, hazy, tau, nothing, always, never)
    of_dense_part = airlight[..., 2:].mean((2, 3), keepdim=True)
    torch.testing.assert_close(shared, of_dense_part.expand_as(shared), rtol=0, atol=0.02)
    trusted = nothing.clone()
    trusted[..., 1, 3] = 50
    at_one_place = share_airlight(airlight, hazy, tau, trusted, always, never)
    torch.testing.assert_close(at_one_place, airlight[..., 1:2, 3:4].expand_as(shared))
    thin = share_airlight(airlight, hazy, -torch.ones_like(tau), nothing, nothing, always)  # no haze: all count alike
    torch.testing.assert_close(thin, 0.5 * (airlight + airlight.mean((2, 3), keepdim=True)))


def test_dense_places_show_the_airlight_in_their_own_colour():
    airlight, hazy, nothing = torch.full((1, 3, 4, 6), 0.8), torch.rand(1, 3, 4, 6), torch.zeros(1, 1, 4, 6)
    dense, thin = (
        share_airlight(airlight, hazy, torch.full_like(hazy, tau), nothing, nothing + 50, nothing + 50)
        for tau in (20.0, 0.0)
    )
    torch.testing.assert_close(dense, hazy.mean((2, 3), keepdim=True).expand_as(dense))
    torch.testing.assert_close(thin, airlight)


@pytest.mark.parametrize("grid", [(1, 1), (5, 7), (24, 40), (100, 3)])
def test_a_map_may_have_any_resolution(network, grid):
    hazy = torch.rand(1, 3, 24, 40)
    constant, none = network(hazy, torch.full((1, 1, *grid), 0.4)), network(hazy)
    for x, y in zip(constant, network(hazy, torch.full((1, 1, 2, 2), 0.4)), strict=True):
        torch.testing.assert_close(x, y)
    assert not torch.equal(constant[0], none[0])


def test_an_embedding_changes_nothing_until_trained(network):
    hazy, embedding = torch.rand(1, 3, 24, 24), torch.nn.functional.normalize(torch.randn(1, 8))
    torch.testing.assert_close(network(hazy, None, embedding), network(hazy))
    trained = small_network()
    train_embedding(trained)
    assert (trained(hazy, None, embedding)[0] - trained(hazy)[0]).abs().max() > 1e-5


def test_an_embedding_of_zeros_is_none():
    network = small_network()
    train_embedding(network)
    hazy = torch.rand(2, 3, 24, 24)
    embedding = torch.nn.functional.normalize(torch.randn(2, 8))
    embedding[0] = 0
    K, _ = network(hazy, None, embedding)
    without, _ = network(hazy)
    torch.testing.assert_close(K[0], without[0])
    assert (K[1] - without[1]).abs().max() > 1e-5


def test_an_embedding_of_another_size_is_refused_in_one_line(network):
    with pytest.raises(ValueError, match="takes an embedding of 8 numbers, not of 768"):
        network(torch.rand(1, 3, 24, 24), None, torch.randn(1, 768))


def test_unit_embeddings_reach_the_blocks_with_variance_one():
    network = small_network(embedding_size=512)
    embedding = torch.nn.functional.normalize(torch.randn(64, 512))
    assert 0.8 < network.embedding[0](embedding).std() < 1.2


def test_the_state_dict_carries_everything(network):
    copy = CLIPHaze(network.config).eval().requires_grad_(False)
    copy.load_state_dict(network.state_dict())
    hazy, density = torch.rand(1, 3, 30, 30), torch.rand(1, 1, 5, 5)
    for x, y in zip(copy(hazy, density), network(hazy, density), strict=True):
        assert torch.equal(x, y)


def test_every_parameter_learns():
    network = small_network(width=4, blocks=(2, 1, 1, 1, 1)).train().requires_grad_(True)
    train_embedding(network)
    K, B = network(torch.rand(2, 3, 32, 32), torch.rand(2, 1, 4, 4), torch.randn(2, 8))
    (K.square().mean() + B.square().mean()).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


LIMITS = {"tiny": (0.3e6, 2e6), "small": (0.5e6, 8e6), "base": (3e6, 40e6)}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(name):
    with torch.device("meta"):
        network = CLIPHaze(VARIANTS[name])
        K, B = network(torch.rand(1, 3, 33, 41))
    assert K.shape == B.shape == (1, 3, 33, 41)
    low, high = LIMITS[name]
    assert low < sum(p.numel() for p in network.parameters()) < high


def planted_network() -> CLIPHaze:
    """Weights that are a formula of their names: the same whatever the version of torch and its random numbers."""
    network = CLIPHaze(CLIPHazeConfig(width=8, blocks=(2, 1, 2, 1, 1), stem=2, window=4, state_size=2)).eval()
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            phase = zlib.crc32(name.encode()) % 1000
            wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 1.7 + phase).view(value.shape)
            if name.endswith("weight") and value.dim() == 1:
                wave = 1 + 0.3 * wave  # the scales of normalisations
            elif value.dim() > 1:
                wave = wave * (2 / value[0].numel()) ** 0.5
            else:
                wave = 0.3 * wave
            value.copy_(wave)
    return network.requires_grad_(False)


# Of planted_network on a planted image, first without instructions, then with both: K's then B's mean and standard
# deviation, and three pixels' K in red and B in blue.
REFERENCE = torch.tensor(
    [
        [0.122408, 0.654585, 0.112904, 0.642786, -0.620637, -0.441159, -0.235638, -0.306770, -0.352535, 0.053259],
        [0.131214, 0.698849, 0.125109, 0.718765, -0.614941, -0.454021, -0.318610, -0.353102, -0.328326, 0.001182],
    ]
)


def test_the_arithmetic_is_what_it_was():
    network = planted_network()
    rows, columns = torch.arange(27.0)[:, None], torch.arange(38.0)
    hazy = torch.stack([0.5 + 0.5 * torch.sin(rows * f + columns * g) for f, g in ((0.3, 0.1), (0.2, 0.5), (0.7, 0.4))])
    density = torch.linspace(0, 1, 12).view(1, 1, 3, 4)
    embedding = torch.sin(torch.arange(512.0))[None] / 16
    found = []
    for instructions in ((), (density, embedding)):
        K, B = network(hazy[None], *instructions)
        pixels = [z for y, x in ((0, 0), (13, 20), (26, 37)) for z in (K[0, 0, y, x], B[0, 2, y, x])]
        found.append(torch.stack([K.mean(), K.std(), B.mean(), B.std(), *pixels]))
    torch.testing.assert_close(torch.stack(found), REFERENCE, rtol=1e-3, atol=1e-4)
