"""The CLIPHaze network: hazy image in, affine dehazing maps out.

After "Adapt CLIP as Aggregation Instructor for Image Dehazing" (Zhang, Xie, Ding, Pan, Shi; arXiv 2408.12317v1). What
differs from the paper: the stem may work at 1/2 or 1/4 resolution, the head predicts the affine maps K and B rather
than the image, by optical depth and an airlight that all places share, and both CLIP instructions are optional.

Glossary, for all of this package: B batch, C channels, H W rows and columns, L = H*W tokens, N state size, E embedding
size; I hazy, J clear, t transmission, A airlight; I = J*t + A*(1-t). One layout throughout: (B, C, H, W).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cliphaze_cli.network.cam import EMBEDDING_WIDTH
from cliphaze_cli.network.config import CLIPHazeConfig
from cliphaze_cli.network.tramba import Instruction, TrambaStage

OPTICAL_DEPTHS = (
    -1.0,
    4.0,
)  # below zero a region gains no contrast but loses some; at 4, 98 % of the light is airlight
TYPICAL_AIRLIGHT = 0.8
HEAD_CHANNELS = (3, 3, 1, 1, 1)  # optical depth, airlight, and what makes it the image's: trust, share, hue
FAINTEST_HAZE = 0.01  # what a place without haze still says of the airlight, relative to one that is nothing but haze


class CLIPHaze(nn.Module):
    """Estimates K = 1/t - 1 and B = A*(1/t - 1) per pixel and colour, so that J = K*I - B + I.

    K and B vary smoothly except at depth edges: they are what can be estimated small and applied large.
    """

    def __init__(self, config: CLIPHazeConfig) -> None:
        super().__init__()
        self.config = config
        c1, c2, c3 = (config.width * factor for factor in (1, 2, 4))
        stem = config.stem
        self.stem = nn.Conv2d(3 * stem**2, c1, 3, padding=1)
        reduce = nn.Linear(config.embedding_size, EMBEDDING_WIDTH)
        with torch.no_grad():  # the layer expects numbers of variance one, but those of a unit vector are small
            reduce.weight *= (3 * config.embedding_size) ** 0.5
        self.embedding = nn.Sequential(reduce, nn.GELU())

        self.encoder1 = TrambaStage(config, level=0, blocks=config.blocks[0])
        self.down1 = nn.Conv2d(c1, c2, 2, stride=2)
        self.encoder2 = TrambaStage(config, level=1, blocks=config.blocks[1])
        self.down2 = nn.Conv2d(c2, c3, 2, stride=2)
        self.bottom = TrambaStage(config, level=2, blocks=config.blocks[2])
        self.up2 = Up(c3, c2)
        self.decoder2 = TrambaStage(config, level=1, blocks=config.blocks[3])
        self.up1 = Up(c2, c1)
        self.decoder1 = TrambaStage(config, level=0, blocks=config.blocks[4])

        self.head = nn.Conv2d(c1, sum(HEAD_CHANNELS) * stem**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(
        self, hazy: Tensor, density: Tensor | None = None, embedding: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Estimate the affine maps of a batch.

        Args:
            hazy: I, (B, 3, H, W) in [0, 1]; any H, W >= 1.
            density: haze density, (B, 1, h, w) in [0, 1] at any resolution; negative values mark "absent" for a
                whole image of the batch; None: absent for all.
            embedding: CLIP image embedding without its degradation, (B, E), unit norm; zeros mark "absent" for an
                image of the batch; None: absent for all.

        Returns:
            K and B, each (B, 3, H, W).

        Raises:
            ValueError: an embedding of another size than the network's.
        """
        height, width = hazy.shape[-2:]
        padded = _pad_to_multiple(hazy, self.config.size_multiple)
        instruction = Instruction(
            density=None if density is None else F.interpolate(density, padded.shape[-2:], mode="bilinear"),
            embedding=None if embedding is None else self._reduced(embedding),
        )

        level1 = self.encoder1(self.stem(F.pixel_unshuffle(2 * padded - 1, self.config.stem)), instruction)
        level2 = self.encoder2(self.down1(level1), instruction)
        level3 = self.bottom(self.down2(level2), instruction)
        level2 = self.decoder2(self.up2(level3, level2), instruction)
        level1 = self.decoder1(self.up1(level2, level1), instruction)

        maps = planes(self.head(level1), self.config.stem)[..., :height, :width].float()
        optical_depth, airlight, *sharing = maps.split(HEAD_CHANNELS, 1)
        optical_depth = optical_depth.clamp(*OPTICAL_DEPTHS)
        airlight = share_airlight(TYPICAL_AIRLIGHT + airlight, hazy.float(), optical_depth, *sharing)
        return affine_maps(optical_depth, airlight)

    def _reduced(self, embedding: Tensor) -> Tensor:
        """(B, E) -> (B, EMBEDDING_WIDTH), zeros again where it is absent."""
        size = self.config.embedding_size
        if embedding.shape[-1] != size:
            raise ValueError(f"this network takes an embedding of {size} numbers, not of {embedding.shape[-1]}")
        present = (embedding != 0).any(1, keepdim=True)
        return self.embedding(embedding) * present


class Up(nn.Module):
    """Double the resolution and merge the encoder's features of that level by a 1x1 convolution."""

    def __init__(self, channels: int, channels_out: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, 4 * channels_out, 1)
        self.merge = nn.Conv2d(2 * channels_out, channels_out, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(B, channels, H, W) and (B, channels_out, 2H, 2W) -> (B, channels_out, 2H, 2W)."""
        return self.merge(torch.cat([F.pixel_shuffle(self.expand(x), 2), skip], 1))


def planes(x: Tensor, factor: int) -> Tensor:
    """`F.pixel_shuffle`, but with each channel a plane of memory, which is what the arithmetic after it is fastest on:
    (B, C * factor^2, h, w) -> (B, C, h * factor, w * factor)."""
    x = x.unflatten(1, (-1, factor, factor))  # (B, C, factor, factor, h, w)
    return x.permute(0, 1, 4, 2, 5, 3).contiguous().flatten(4, 5).flatten(2, 3)


def share_airlight(
    airlight: Tensor, hazy: Tensor, optical_depth: Tensor, trust: Tensor, share: Tensor, hue: Tensor
) -> Tensor:
    """Draw each place's airlight, (B, 3, H, W), towards the whole image's: haze has one airlight nearly everywhere.

    The image's is a mean over places, in which they count by their haze density and by exp(trust): only dense places
    show it. There it also is what one sees, so a place may give its own colour of `hazy` instead of an estimate, by
    density * sigmoid(hue). What it takes of the mean is sigmoid(share), so that uneven light can stay uneven.

    Args:
        airlight, hazy, optical_depth: (B, 3, H, W). trust, share, hue: (B, 1, H, W).
    """
    density = 1 - torch.exp(-optical_depth.mean(1, keepdim=True).clamp_min(0))
    weight = (trust + density.clamp_min(FAINTEST_HAZE).log()).flatten(1).softmax(1).view_as(trust)
    seen = torch.lerp(airlight, hazy, density * hue.sigmoid())
    of_image = (seen * weight).sum((2, 3), keepdim=True)
    return torch.lerp(airlight, of_image, share.sigmoid())


def affine_maps(optical_depth: Tensor, airlight: Tensor) -> tuple[Tensor, Tensor]:
    """K = exp(tau) - 1 and B = K*A, of tau = -log t and A, all (B, 3, H, W).

    In dense haze K*I and B are large and nearly equal; estimated as K*(I - A) their errors need not cancel.
    """
    K = torch.expm1(optical_depth)
    return K, K * airlight


def apply_maps(hazy: Tensor, K: Tensor, B: Tensor) -> Tensor:
    """J = K*I - B + I, all (B, 3, H, W); not clamped."""
    return torch.addcmul(hazy, K, hazy) - B


def _pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Pad bottom and right by reflection; by repeating the border where the image is too small to reflect."""
    height, width = x.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(x, (0, right, 0, bottom), mode=mode)
