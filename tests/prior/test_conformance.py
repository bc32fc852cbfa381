"""Our use of a CLIP against what its authors wrote: open_clip's own forward, MaskCLIP's and CLIP Surgery's formulas.

The references are written out here from the papers and the official code, sharing nothing with `dense_tokens`. Weights
are random: that the real ones are used right follows, since the arithmetic does not know which they are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from cliphaze_cli.hub.open_clip_import import import_open_clip
from cliphaze_cli.prior import dense_tokens, density_map
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.prior.prompts import default_prompts
from cliphaze_cli.prior.scoring import p_hazy
from tests.prior import tiny_clip

EXAMPLE = Path(__file__).parents[2] / "examples" / "fog.jpg"
SURGERY_BLOCKS = 6


@dataclass(frozen=True)
class Pair:
    """The same weights twice: in our prior, loaded from a file, and in open_clip's own model; `transform` is its."""

    prior: ClipPrior
    model: Any
    tokenizer: Any
    transform: Any


def _pair(folder: Path, name: str, context_length: int, pretrained: str | None, quick_gelu: bool) -> Pair:
    open_clip = import_open_clip()
    torch.manual_seed(7)
    model, _, transform = open_clip.create_model_and_transforms(name, pretrained=None, force_quick_gelu=quick_gelu)
    path = folder / "open_clip_model.safetensors"
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    prior = ClipPrior.from_file(path, name, pretrained=pretrained)
    return Pair(prior, model.eval(), open_clip.SimpleTokenizer(context_length=context_length), transform)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tiny")
    with tiny_clip.known_by_name(folder):
        yield _pair(folder, tiny_clip.NAME, 16, None, quick_gelu=False)


@pytest.fixture(scope="module")
def real_size(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return _pair(tmp_path_factory.mktemp("vit"), "ViT-B-32", 77, "openai", quick_gelu=True)


@pytest.fixture(params=["tiny", pytest.param("real_size", marks=pytest.mark.slow)])
def pair(request: pytest.FixtureRequest) -> Pair:
    return request.getfixturevalue(request.param)


def square() -> Image.Image:
    with Image.open(EXAMPLE) as image:
        side = min(image.size)
        return image.convert("RGB").crop((0, 0, side, side))


def largest(difference: Tensor) -> float:
    return float(difference.abs().max())


@torch.no_grad()
def test_the_activation_is_that_of_the_checkpoint(pair):
    ours, theirs = (visual.transformer.resblocks[0].mlp.gelu for visual in (pair.prior.tower.module, pair.model.visual))
    assert type(ours) is type(theirs)


@torch.no_grad()
def test_a_photo_is_prepared_as_open_clip_prepares_it(pair):
    theirs = pair.transform(square())[None]
    tower = pair.prior.tower
    ours = tower.normalised(density_map.whole_image_windows(np.asarray(square()), tower.image_size))
    step = 1 / 255 / 0.26  # of 8 bits, in normalised numbers: open_clip's transform rounds to them, ours does not
    assert largest(ours - theirs) < 2 * step
    assert float((ours - theirs).abs().mean()) < step


@torch.no_grad()
def test_image_embeddings_are_open_clips(pair):
    windows = density_map.whole_image_windows(np.asarray(square()), pair.prior.tower.image_size)
    theirs = F.normalize(pair.model.encode_image(pair.prior.tower.normalised(windows)), dim=-1)
    assert largest(pair.prior.tower.embed(windows) - theirs) < 1e-6


@torch.no_grad()
def test_text_embeddings_are_open_clips(pair):
    prompts = default_prompts()
    theirs = F.normalize(pair.model.encode_text(pair.tokenizer([*prompts.hazy, *prompts.clear])), dim=-1)
    ours = pair.prior.prompt_embeddings()
    assert largest(torch.cat([ours.hazy, ours.clear]) - theirs) < 1e-6


@torch.no_grad()
def test_the_score_is_the_zero_shot_recipe_of_open_clip(pair):
    prompts = default_prompts()
    hazy, clear = (
        F.normalize(F.normalize(pair.model.encode_text(pair.tokenizer(list(texts))), dim=-1).mean(0), dim=-1)
        for texts in (prompts.hazy, prompts.clear)
    )
    windows = density_map.whole_image_windows(np.asarray(square()), pair.prior.tower.image_size)
    image = F.normalize(pair.model.encode_image(pair.prior.tower.normalised(windows)), dim=-1)
    theirs = (100 * image @ torch.stack([clear, hazy]).T).softmax(-1)[:, 1]
    assert largest(p_hazy(pair.prior.tower.embed(windows), pair.prior.prompt_embeddings()) - theirs) < 1e-4


@torch.no_grad()
def test_tokens_through_all_blocks_give_open_clips_class_token(pair):
    image = torch.randn(1, 3, pair.prior.tower.image_size, pair.prior.tower.image_size)
    visual: Any = pair.prior.tower.module
    tokens, _ = dense_tokens.embed_patches(visual, image)
    for block in visual.transformer.resblocks:
        tokens = block(tokens)
    assert largest(visual.ln_post(tokens[:, 0]) @ visual.proj - pair.model.encode_image(image)) < 1e-5


@pytest.mark.parametrize("wider", [0, 2])
@torch.no_grad()
def test_the_value_path_is_maskclips(pair, wider):
    """Zhou, Loy, Dai 2022, section 3.2: the last attention without query and key, its value embedding as two 1x1s."""
    visual, image = pair.model.visual, _image(pair, wider)
    tokens, grid = _patches(visual, image)
    *before, last = visual.transformer.resblocks
    for block in before:
        tokens = block(tokens)
    width = tokens.shape[-1]
    weight, bias = last.attn.in_proj_weight[2 * width :], last.attn.in_proj_bias[2 * width :]
    values = last.ln_1(tokens) @ weight.T + bias
    mixed = values @ last.attn.out_proj.weight.T + last.attn.out_proj.bias
    expected = (visual.ln_post(mixed)[:, 1:] @ visual.proj).reshape(len(image), *grid, -1)
    assert largest(dense_tokens.value_path_tokens(pair.prior.tower.module, image) - expected) < 1e-5


@pytest.mark.parametrize("wider", [0, 2])
@torch.no_grad()
def test_the_second_stream_is_clip_surgerys(pair, wider):
    """Li et al. 2023, section 3.2: the new stream adds v-v attention of each original block's input, and no MLP; it
    begins as the original one."""
    visual, image = pair.model.visual, _image(pair, wider)
    tokens, grid = _patches(visual, image)
    blocks = list(visual.transformer.resblocks)
    first = max(len(blocks) - SURGERY_BLOCKS, 1)
    stream = None
    for number, block in enumerate(blocks):
        if number >= first:
            stream = (tokens if stream is None else stream) + _value_value_attention(block, tokens)
        tokens = block(tokens)
    assert stream is not None
    expected = (visual.ln_post(stream)[:, 1:] @ visual.proj).reshape(len(image), *grid, -1)
    assert largest(dense_tokens.self_attention_tokens(pair.prior.tower.module, image) - expected) < 2e-5


def _image(pair: Pair, wider: int) -> Tensor:
    patch = pair.model.visual.patch_size[0]
    side = pair.prior.tower.image_size
    return torch.randn(2, 3, side, side + wider * patch)


def _patches(visual: Any, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Class token and patches with interpolated positions, (B, 1 + N, C), and the grid."""
    patches = visual.conv1(image)
    rows, columns = int(patches.shape[2]), int(patches.shape[3])
    tokens = patches.flatten(2).permute(0, 2, 1)
    tokens = torch.cat([visual.class_embedding.view(1, 1, -1).expand(len(image), 1, -1), tokens], 1)
    first, others = visual.positional_embedding[:1], visual.positional_embedding[1:]
    if (rows, columns) != tuple(visual.grid_size):
        side = visual.grid_size[0]
        plane = others.reshape(1, side, side, -1).permute(0, 3, 1, 2)
        plane = F.interpolate(plane, size=(rows, columns), mode="bicubic", antialias=True, align_corners=False)
        others = plane.permute(0, 2, 3, 1).reshape(rows * columns, -1)
    return visual.ln_pre(tokens + torch.cat([first, others])), (rows, columns)


def _value_value_attention(block: Any, source: Tensor) -> Tensor:
    attention, (batch, count, width) = block.attn, source.shape
    projected = block.ln_1(source) @ attention.in_proj_weight.T + attention.in_proj_bias
    values = projected[..., 2 * width :]
    heads = values.reshape(batch, count, attention.num_heads, -1).permute(0, 2, 1, 3)
    weights = (heads @ heads.transpose(-2, -1) * heads.shape[-1] ** -0.5).softmax(-1)
    mixed = (weights @ heads).permute(0, 2, 1, 3).reshape(batch, count, width)
    return mixed @ attention.out_proj.weight.T + attention.out_proj.bias
