import pytest
import torch
from torch import nn

from cliphaze_cli.prior.dense_tokens import (
    embed_patches,
    self_attention_tokens,
    supports_dense_tokens,
    value_path_tokens,
)
from tests.prior.tiny_clip import PATCH, SIDE, build, without_positions

PATHS = pytest.mark.parametrize("path", [value_path_tokens, self_attention_tokens])


@pytest.fixture(scope="module")
def visual():
    return build().visual.requires_grad_(False)


def test_patches_enter_as_in_the_towers_own_pass(visual):
    images = torch.randn(2, 3, SIDE, SIDE)
    tokens, grid = embed_patches(visual, images)
    assert grid == (SIDE // PATCH, SIDE // PATCH)
    pooled = visual.ln_post(visual.transformer(tokens)[:, 0]) @ visual.proj
    torch.testing.assert_close(pooled, visual(images))


@PATHS
@pytest.mark.parametrize("size", [(32, 32), (48, 80), (8, 8)])
def test_one_embedding_a_patch_at_any_size(visual, path, size):
    tokens = path(visual, torch.randn(2, 3, *size))
    assert tokens.shape == (2, size[0] // PATCH, size[1] // PATCH, 16)
    assert tokens.isfinite().all()


@PATHS
def test_images_of_a_batch_do_not_mix(visual, path):
    images = torch.randn(3, 3, SIDE, SIDE)
    torch.testing.assert_close(path(visual, images)[1:2], path(visual, images[1:2]))


@PATHS
def test_moving_patches_moves_their_embeddings(path):
    visual = without_positions(build()).visual
    image = torch.randn(1, 3, 16, 24)
    swapped = image.clone()
    swapped[..., :PATCH, :PATCH], swapped[..., PATCH:, 2 * PATCH :] = (
        image[..., PATCH:, 2 * PATCH :],
        image[..., :PATCH, :PATCH],
    )
    before, after = path(visual, image), path(visual, swapped)
    torch.testing.assert_close(after[0, 0, 0], before[0, 1, 2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after[0, 1, 2], before[0, 0, 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after[0, 0, 1], before[0, 0, 1], atol=1e-5, rtol=1e-4)


def test_the_value_path_ignores_the_last_blocks_queries_and_keys():
    visual, images = build().visual, torch.randn(1, 3, SIDE, SIDE)
    before, usual = value_path_tokens(visual, images), visual(images)
    with torch.no_grad():
        visual.transformer.resblocks[-1].attn.in_proj_weight[:64] *= 5  # queries and keys of width 32
    torch.testing.assert_close(value_path_tokens(visual, images), before)
    assert not torch.allclose(visual(images), usual)


def test_depth_decides_where_the_second_stream_starts(visual):
    images = torch.randn(1, 3, SIDE, SIDE)
    assert not torch.allclose(
        self_attention_tokens(visual, images, depth=1), self_attention_tokens(visual, images, depth=2)
    )
    torch.testing.assert_close(
        self_attention_tokens(visual, images, depth=2), self_attention_tokens(visual, images, depth=99)
    )


def test_other_towers_are_recognised(visual):
    assert supports_dense_tokens(visual)
    assert not supports_dense_tokens(nn.Sequential(nn.Conv2d(3, 4, 1)))
