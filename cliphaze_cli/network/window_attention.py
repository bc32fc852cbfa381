"""The Transformer path: self-attention within windows (Swin, Liu et al. 2021), single head as in CLIPHaze.

Differs from Swin: windows are shifted by padding half a window at the top and left instead of rolling the image round,
so shifting and odd sizes are one mechanism: padded tokens are masked out and no token ever sees across a border.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WindowAttention(nn.Module):
    """Self-attention in windows of `window` x `window` tokens; `shifted` offsets them by half a window."""

    def __init__(self, channels: int, window: int, shifted: bool) -> None:
        super().__init__()
        self.window = window
        self.shift = window // 2 if shifted else 0
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        height, width = x.shape[-2:]
        top = left = self.shift
        bottom, right = -(height + top) % self.window, -(width + left) % self.window
        padding = (left, right, top, bottom)
        if any(padding):
            x = F.pad(x, padding)
        rows, columns = x.shape[-2] // self.window, x.shape[-1] // self.window
        windows = partition(x, self.window).movedim(-1, 1)  # (B, C, windows, w*w): before q, k, v, which are larger
        q, k, v = self.qkv(windows).movedim(1, -1).chunk(3, -1)  # each (B, windows, w*w, C)
        y = unpartition(_attention(q, k, v, _mask(x, padding, self.window)), rows, columns)
        return self.project(y[..., top : top + height, left : left + width])


def _attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(C)) v per window.

    Written out: for 64 tokens it is as fast as PyTorch's fused CPU kernel forward, and 7 times faster backward in bf16.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is not None:
        scores.add_(mask)  # faster than filling by a boolean mask
    return scores.softmax(-1).to(v.dtype) @ v


def partition(x: Tensor, window: int) -> Tensor:
    """(B, C, rows*w, columns*w) -> (B, rows*columns, w*w, C); `unpartition` is the inverse."""
    x = x.unflatten(3, (-1, window)).unflatten(2, (-1, window))  # (B, C, rows, w, columns, w)
    return x.permute(0, 2, 4, 3, 5, 1).flatten(3, 4).flatten(1, 2)


def unpartition(windows: Tensor, rows: int, columns: int) -> Tensor:
    """(B, rows*columns, w*w, C) -> (B, C, rows*w, columns*w) in channels_last memory."""
    window = round(windows.shape[2] ** 0.5)
    x = windows.unflatten(2, (window, window)).unflatten(1, (rows, columns))  # (B, rows, columns, w, w, C)
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2).movedim(-1, 1)


def _mask(padded: Tensor, padding: tuple[int, int, int, int], window: int) -> Tensor | None:
    """What is added to the scores of each window's keys, (1, windows, 1, w*w): 0, and minus infinity for padding; None
    without padding.

    A window of padding alone does not occur: a shifted window covers at most half a window of it.
    """
    if not any(padding):
        return None
    left, right, top, bottom = padding
    height, width = padded.shape[-2:]
    real = padded.new_zeros(1, 1, height - top - bottom, width - left - right)
    return partition(F.pad(real, padding, value=-torch.inf), window).mT
