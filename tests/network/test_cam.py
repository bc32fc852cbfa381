"""CAM: a blend of the two paths that the instructions steer, and that can do without them."""

import pytest
import torch

from cliphaze_cli.network.cam import CAM, EMBEDDING_WIDTH


@pytest.fixture
def cam() -> CAM:
    torch.manual_seed(0)
    return CAM(6).requires_grad_(False)


@pytest.fixture
def paths() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.randn(2, 6, 5, 4, generator=g), torch.randn(2, 6, 5, 4, generator=g)


def density(value: float) -> torch.Tensor:
    return torch.full((2, 1, 5, 4), float(value))


def test_the_result_lies_between_the_paths(cam, paths):
    for map_ in (None, density(-1), density(0), density(1)):
        y = cam(*paths, map_, torch.randn(2, EMBEDDING_WIDTH))
        assert (y >= torch.minimum(*paths) - 1e-6).all() and (y <= torch.maximum(*paths) + 1e-6).all()


def test_equal_paths_are_returned_whatever_the_instructions(cam, paths):
    y = cam(paths[0], paths[0], density(0.7), torch.randn(2, EMBEDDING_WIDTH))
    torch.testing.assert_close(y, paths[0])


def test_an_absent_map_is_not_a_clear_one(cam, paths):
    absent = cam(*paths, None, None)
    assert torch.equal(cam(*paths, density(-1), None), absent)
    assert (cam(*paths, density(0), None) - absent).abs().max() > 1e-3
    assert (cam(*paths, density(1), None) - cam(*paths, density(0), None)).abs().max() > 1e-3


def test_absence_is_each_samples_own(cam, paths):
    mixed = density(0.5)
    mixed[0] = -1
    y = cam(*paths, mixed, None)
    torch.testing.assert_close(y[0], cam(*paths, None, None)[0])
    torch.testing.assert_close(y[1], cam(*paths, density(0.5), None)[1])


def test_the_map_steers_where_it_lies(cam, paths):
    changed = density(0.2)
    changed[:, :, 3, 2] = 0.9
    difference = (cam(*paths, changed, None) - cam(*paths, density(0.2), None)).abs().sum((0, 1))
    assert difference.nonzero().tolist() == [[3, 2]]


def test_an_embedding_matters_only_once_its_weights_are_trained(cam, paths):
    embedding = torch.randn(2, EMBEDDING_WIDTH)
    without = cam(*paths, None, None)
    torch.testing.assert_close(cam(*paths, None, embedding), without)
    torch.nn.init.normal_(cam.implicit.weight)
    assert (cam(*paths, None, embedding) - without).abs().max() > 1e-2


def test_absence_of_an_embedding_is_each_samples_own(cam, paths):
    torch.nn.init.normal_(cam.implicit.weight)
    torch.nn.init.normal_(cam.implicit.bias)
    embedding = torch.randn(2, EMBEDDING_WIDTH)
    embedding[0] = 0
    y = cam(*paths, None, embedding)
    torch.testing.assert_close(y[0], cam(*paths, None, None)[0])
    assert (y[1] - cam(*paths, None, None)[1]).abs().max() > 1e-2


def test_an_absent_map_counts_the_same_with_and_without_gradients():
    torch.manual_seed(0)
    module, local, global_ = CAM(4), torch.randn(2, 4, 5, 6), torch.randn(2, 4, 5, 6)
    with torch.no_grad():
        y = module(local, global_, None, None)
    torch.testing.assert_close(y, module(local, global_, None, None))
