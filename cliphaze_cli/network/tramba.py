"""TrambaDA: the Transformer-Mamba Dual Aggregation block of CLIPHaze and the stages built of it.

The feed-forward part is Restormer's gated depthwise convolution.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from cliphaze_cli.network.cam import CAM
from cliphaze_cli.network.config import CLIPHazeConfig
from cliphaze_cli.network.layer_norm import LayerNorm2d
from cliphaze_cli.network.ss2d import SS2D
from cliphaze_cli.network.window_attention import WindowAttention


@dataclass(frozen=True)
class Instruction:
    """What CLIP says about the image: `density` (B, 1, H, W) in [0, 1], `embedding` (B, EMBEDDING_WIDTH); or None."""

    density: Tensor | None = None
    embedding: Tensor | None = None

    def at(self, height: int, width: int) -> "Instruction":
        """The same with the density averaged to a level's resolution."""
        if self.density is None:
            return self
        return Instruction(F.interpolate(self.density, (height, width), mode="area"), self.embedding)


class TrambaStage(nn.Module):
    """Blocks of one level in sequence; the attention windows are shifted in every other one."""

    def __init__(self, config: CLIPHazeConfig, level: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TrambaDA(config, level, shifted=i % 2 == 1) for i in range(blocks))

    def forward(self, x: Tensor, instruction: Instruction) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        instruction = instruction.at(*x.shape[-2:])
        for block in self.blocks:
            x = block(x, instruction)
        return x


class TrambaDA(nn.Module):
    """norm -> Transformer path and Mamba path -> CAM -> residual; norm -> gated FFN -> residual."""

    def __init__(self, config: CLIPHazeConfig, level: int, shifted: bool) -> None:
        super().__init__()
        channels = config.width * 2**level
        self.norm1 = LayerNorm2d(channels)
        self.transformer = WindowAttention(channels, config.window, shifted)
        self.mamba = SS2D(channels, config.state_size, config.scan_reduction[level])
        self.cam = CAM(channels)
        self.norm2 = LayerNorm2d(channels)
        self.ffn = GatedFFN(channels, round(channels * config.ffn_expansion))

    def forward(self, x: Tensor, instruction: Instruction) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        y = self.norm1(x)
        x = x + self.cam(self.transformer(y), self.mamba(y), instruction.density, instruction.embedding)
        return x + self.ffn(self.norm2(x))


class GatedFFN(nn.Module):
    """Gated depthwise-convolution feed-forward network (Restormer, Zamir et al. 2022, section 3.2)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, hidden, 1)
        self.mix = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.project = nn.Conv2d(hidden // 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        gate, value = self.mix(self.expand(x)).chunk(2, 1)
        return self.project(F.gelu(gate) * value)
