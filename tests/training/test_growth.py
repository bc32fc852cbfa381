"""A deeper network begins where the shallower one ended."""

import pytest
import torch

from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.network.config import CLIPHazeConfig
from training.growth import grow

SMALL = CLIPHazeConfig(width=8, blocks=(1, 1, 1, 1, 1), stem=4, embedding_size=8)
DEEP = CLIPHazeConfig(width=8, blocks=(1, 2, 4, 1, 1), stem=4, embedding_size=8)
WIDE = CLIPHazeConfig(width=12, blocks=(1, 1, 2, 1, 1), stem=4, embedding_size=8)


def random_network(config):
    torch.manual_seed(1)
    network = CLIPHaze(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def test_a_grown_network_computes_the_same_and_can_learn():
    small, deep = random_network(SMALL), CLIPHaze(DEEP)
    grow(deep, small.state_dict())
    hazy, density = torch.rand(1, 3, 40, 56), torch.rand(1, 1, 5, 7)
    expected = small(hazy, density)
    maps = deep(hazy, density)
    torch.testing.assert_close(maps, expected)
    maps[0].square().sum().backward()
    ends = [value for name, value in deep.named_parameters() if name.endswith("ffn.project.weight")]
    assert len(ends) == 9
    assert all(value.grad is not None and value.grad.abs().max() > 0 for value in ends)


def test_growing_by_nothing_is_loading():
    network, copy = random_network(SMALL), CLIPHaze(SMALL)
    grow(copy, network.state_dict())
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in copy.state_dict().items())


def test_a_head_that_answers_more_begins_those_answers_at_zero():
    network, weights = CLIPHaze(SMALL), random_network(SMALL).state_dict()
    fewer = weights | {name: value[:96] for name, value in weights.items() if name.startswith("head.")}
    grow(network, fewer)
    assert torch.equal(network.head.weight[:96], weights["head.weight"][:96])
    grown = network.state_dict()
    assert (grown["head.weight"][96:] == 0).all() and (grown["head.bias"][96:] == 0).all()


def test_a_network_of_another_width_or_of_fewer_blocks_does_not_fit():
    with pytest.raises(ValueError, match=r"stem\.weight does not fit"):
        grow(CLIPHaze(WIDE), random_network(SMALL).state_dict())
    with pytest.raises(ValueError, match=r"blocks\.\d.* does not fit"):
        grow(CLIPHaze(SMALL), random_network(DEEP).state_dict())
