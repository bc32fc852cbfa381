"""The selective scan on a CPU: what tiling wins over the loop the definition suggests.

python -m benchmarks.scan
"""

from typing import Annotated

import torch
import typer
from torch import Tensor

from benchmarks.timing import machine, medians, ratios
from cliphaze_cli.scan import selective_scan
from cliphaze_cli.system.allocator import tune_allocator


def sequential_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """The definition, position by position; one group."""
    h = torch.zeros(u.shape[0], u.shape[1], A.shape[1])
    ys = []
    for position in range(u.shape[2]):
        step = delta[:, :, position, None]
        h = torch.exp(step * A) * h + step * B[:, 0, None, :, position] * u[:, :, position, None]
        ys.append((h * C[:, 0, None, :, position]).sum(-1))
    return torch.stack(ys, -1)


def main(
    side: Annotated[int, typer.Option(help="Tokens of a square image's side.")] = 96,
    channels: int = 96,
    states: int = 1,
    threads: int = 1,
) -> None:
    """Time the tiled scan against the sequential loop and print the ratio."""
    torch.set_num_threads(threads)
    tune_allocator()
    length = side**2
    u, delta = torch.randn(1, channels, length), torch.rand(1, channels, length)
    A = -torch.rand(channels, states)
    B, C = torch.randn(1, 1, states, length), torch.randn(1, 1, states, length)
    with torch.inference_mode():
        seconds = medians(
            {
                "tiled": lambda: selective_scan(u, delta, A, B, C, backend="torch"),
                "sequential": lambda: sequential_scan(u, delta, A, B, C),
            }
        )
    typer.echo(f"{machine()}; L={length}, D={channels}, N={states}")
    typer.echo("\n".join(ratios(seconds)))


if __name__ == "__main__":
    typer.run(main)
