"""Patch embeddings of a CLIP vision transformer that can be compared with texts.

The last block's attention mixes patches for the sake of the class token, so raw patch tokens are poorly aligned with
text. Two remedies, both without training:

* value path: the last block without its attention, only values and output projection
  (MaskCLIP; Zhou, Loy, Dai 2022);
* self-self attention: a second stream through the last blocks in which values attend to values, without the MLPs
  (CLIP Surgery; Li et al. 2023). Its redundancy removal subtracts what all classes share, which a softmax over
  two classes ignores, so it is left out.

Shapes: B images, N patches (gh rows, gw columns), C width, E embedding size.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SURGERY_DEPTH = 6  # blocks, from the last, that the second stream runs through


def supports_dense_tokens(visual: nn.Module) -> bool:
    """Whether `visual` is a plain vision transformer with a class token, as the dense builders need."""
    tower: Any = visual
    if not all(hasattr(tower, name) for name in ("conv1", "class_embedding", "positional_embedding", "transformer")):
        return False
    if getattr(tower, "attn_pool", None) is not None or getattr(tower, "pool_type", "tok") != "tok":
        return False
    return tower.proj is not None and all(
        isinstance(block.attn, nn.MultiheadAttention) for block in tower.transformer.resblocks
    )


def value_path_tokens(visual: nn.Module, images: Tensor) -> Tensor:
    """Return patch embeddings (B, gh, gw, E) of normalised images (B, 3, h, w): MaskCLIP's."""
    tower: Any = visual
    tokens, grid = embed_patches(visual, images)
    for block in tower.transformer.resblocks[:-1]:
        tokens = _run(tower, block, tokens)
    last = tower.transformer.resblocks[-1]
    return _to_text_space(tower, last.attn.out_proj(_values(last, tokens)), grid)


def self_attention_tokens(visual: nn.Module, images: Tensor, *, depth: int = SURGERY_DEPTH) -> Tensor:
    """Return patch embeddings (B, gh, gw, E) of normalised images (B, 3, h, w): CLIP Surgery's.

    depth: blocks that the second stream runs through, at most all but the first.
    """
    tower: Any = visual
    blocks = tower.transformer.resblocks
    first = max(len(blocks) - depth, min(1, len(blocks) - 1))
    tokens, grid = embed_patches(visual, images)
    stream: Tensor | None = None
    for index, block in enumerate(blocks):
        if index >= first:
            start = tokens if stream is None else stream
            stream = start + block.ls_1(_self_attention(block, tokens))
        tokens = _run(tower, block, tokens)
    assert stream is not None
    return _to_text_space(tower, stream, grid)


def embed_patches(visual: nn.Module, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """Return the tokens (B, 1 + N, C) that enter the first block, class token first, and the grid (gh, gw).

    The positional embedding is interpolated to the images' grid, so images need not have the training size.
    """
    tower: Any = visual
    patches = tower.conv1(images)  # (B, C, gh, gw)
    grid = (int(patches.shape[2]), int(patches.shape[3]))
    class_token = tower.class_embedding.expand(len(images), 1, -1)
    tokens = torch.cat((class_token, patches.flatten(2).transpose(1, 2)), dim=1)
    return tower.ln_pre(tokens + _positions(tower, grid)), grid


def _positions(tower: Any, grid: tuple[int, int]) -> Tensor:
    learnt = tower.positional_embedding  # (1 + N, C)
    if grid == tuple(tower.grid_size):
        return learnt
    plane = learnt[1:].T.reshape(1, -1, *tower.grid_size)
    plane = F.interpolate(plane, size=grid, mode="bicubic", align_corners=False, antialias=True)
    return torch.cat((learnt[:1], plane.flatten(2)[0].T))


def _run(tower: Any, block: Any, tokens: Tensor) -> Tensor:
    if getattr(tower.transformer, "batch_first", True):
        return block(tokens)
    return block(tokens.transpose(0, 1)).transpose(0, 1)


def _values(block: Any, tokens: Tensor) -> Tensor:
    """The block's attention values (B, 1 + N, C)."""
    width = tokens.shape[-1]
    bias = block.attn.in_proj_bias
    return F.linear(
        block.ln_1(tokens), block.attn.in_proj_weight[2 * width :], None if bias is None else bias[2 * width :]
    )


def _self_attention(block: Any, tokens: Tensor) -> Tensor:
    values = _values(block, tokens)
    heads = values.unflatten(-1, (block.attn.num_heads, -1)).transpose(1, 2)  # (B, heads, 1 + N, C / heads)
    mixed = F.scaled_dot_product_attention(heads, heads, heads)
    return block.attn.out_proj(mixed.transpose(1, 2).flatten(2))


def _to_text_space(tower: Any, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    return (tower.ln_post(tokens[:, 1:]) @ tower.proj).unflatten(1, grid)
