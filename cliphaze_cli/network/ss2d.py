"""The Mamba path: SS2D, the two-dimensional selective scan of VMamba (Liu et al. 2024).

Differs from VMamba: inner width equals the block's (no expansion), a small state, and the scan may run on a grid
reduced by averaging, which halves a block's cost on a CPU; the gate keeps the full resolution.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cliphaze_cli.network.layer_norm import LayerNorm2d
from cliphaze_cli.scan import cross_scan
from cliphaze_cli.scan.directions import DIRECTIONS

MIN_DELTA, MAX_DELTA = 1e-3, 1e-1  # initial step sizes, as in Mamba


class SS2D(nn.Module):
    """Linear in -> depthwise 3x3 -> SiLU -> selective scan over four directions -> norm -> gate -> linear out."""

    def __init__(self, channels: int, state_size: int, reduction: int) -> None:
        super().__init__()
        self.state_size, self.reduction = state_size, reduction
        self.rank = rank = max(4, channels // 8)  # delta is predicted through a bottleneck
        self.project_in = nn.Conv2d(channels, 2 * channels, 1)
        self.mix = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.project_scan = nn.Conv2d(channels, DIRECTIONS * (rank + 2 * state_size), 1)
        self.delta_weight = nn.Parameter(torch.empty(DIRECTIONS, channels, rank))
        self.delta_bias = nn.Parameter(torch.empty(DIRECTIONS * channels))
        self.log_A = nn.Parameter(torch.empty(DIRECTIONS * channels, state_size))
        self.D = nn.Parameter(torch.ones(DIRECTIONS * channels))
        self.reset_parameters()
        self.norm = LayerNorm2d(channels)
        self.project_out = nn.Conv2d(channels, channels, 1)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initial values of the scan's own parameters; none on "meta", where arithmetic would import torch's compiler
        and sympy, which takes as long as importing torch."""
        if self.delta_weight.is_meta:
            return
        self.delta_weight.copy_(self.rank**-0.5 * torch.randn(self.delta_weight.shape))
        self.delta_bias.copy_(_initial_delta_bias(len(self.delta_bias)))
        A = torch.arange(1, self.state_size + 1, dtype=torch.float32)  # S4D-real initialisation
        self.log_A.copy_(A.log().expand_as(self.log_A))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        height, width = x.shape[-2:]
        # The scan's half of the projection runs on the reduced grid: averaging commutes with it.
        reduced = F.avg_pool2d(x, self.reduction, ceil_mode=True) if self.reduction > 1 else x
        weight_u, weight_gate = self.project_in.weight.chunk(2)
        bias_u, bias_gate = self.project_in.bias.chunk(2)  # type: ignore[union-attr]
        u = F.conv2d(reduced, weight_u, bias_u)
        y = self.norm(self._scan(F.silu(self.mix(u))))
        if self.reduction > 1:
            y = F.interpolate(y, (height, width), mode="bilinear")
        return self.project_out(y * F.silu(F.conv2d(x, weight_gate, bias_gate)))

    def _scan(self, u: Tensor) -> Tensor:
        """Scan (B, C, h, w) along rows and columns, both ways, and sum the four results, in float32."""
        low_rank, B, C = (
            self.project_scan(u).unflatten(1, (DIRECTIONS, -1)).split((self.rank, self.state_size, self.state_size), 2)
        )  # each (B, 4, ., h, w)
        delta_bias, log_A, D = (x.unflatten(0, (DIRECTIONS, -1)) for x in (self.delta_bias, self.log_A, self.D))
        return cross_scan(u, low_rank, self.delta_weight, delta_bias, -log_A.exp(), B, C, D)


def _initial_delta_bias(channels: int) -> Tensor:
    """Biases whose softplus is log-uniform in [MIN_DELTA, MAX_DELTA]."""
    low, high = math.log(MIN_DELTA), math.log(MAX_DELTA)
    delta = torch.exp(low + (high - low) * torch.rand(channels))
    return delta + torch.log(-torch.expm1(-delta))
