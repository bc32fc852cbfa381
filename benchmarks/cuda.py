"""The network and the scan on a CUDA device: milliseconds per megapixel, and the scan's share of the memory bandwidth.

python -m benchmarks.cuda
"""

import statistics
from collections.abc import Callable
from typing import Annotated

import torch
import typer

from benchmarks.timing import machine
from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.network.config import VARIANTS
from cliphaze_cli.scan import cross_scan, dispatch
from cliphaze_cli.scan.directions import DIRECTIONS
from cliphaze_cli.system.devices import autocast, resolve_precision


def milliseconds(call: Callable[[], object], runs: int) -> float:
    """Median time on the device, after three warm-ups."""
    for _ in range(3):
        call()
    times = []
    for _ in range(runs):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def copy_bandwidth(runs: int) -> float:
    """Bytes per millisecond that a copy of 1 GiB reads and writes."""
    source = torch.empty(2**28, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.numel() * source.element_size() / milliseconds(lambda: target.copy_(source), runs)


def time_scans(side: int, channels: int, states: int, runs: int) -> None:
    """Each backend's cross-scan on the same tensors, against the time a copy of what it must move would take."""
    rank, roof = max(4, channels // 8), copy_bandwidth(runs)
    shapes = {
        "u": (1, channels, side, side),
        "low_rank": (1, DIRECTIONS, rank, side, side),
        "delta_weight": (DIRECTIONS, channels, rank),
        "delta_bias": (DIRECTIONS, channels),
        "A": (DIRECTIONS, channels, states),
        "B": (1, DIRECTIONS, states, side, side),
        "C": (1, DIRECTIONS, states, side, side),
        "D": (DIRECTIONS, channels),
    }
    inputs = {name: torch.randn(shape, device="cuda") for name, shape in shapes.items()}
    inputs["A"] = -inputs["A"].exp()
    inputs["u"] = inputs["u"].contiguous(memory_format=torch.channels_last)
    moved = 4 * side**2 * (2 * channels + DIRECTIONS * (rank + 2 * states))  # inputs once, y once, float32
    typer.echo(f"copy: {roof / 1e6:.0f} GB/s. Cross-scan, {side}x{side}, C={channels}, N={states}")
    typer.echo("| scan | milliseconds (median) | share of the copy's bandwidth |\n|---|---|---|")
    for status in dispatch.backends("cuda"):
        if not status.available:
            typer.echo(f"| {status.name} | - | {status.reason} |")
            continue
        with torch.inference_mode():
            taken = milliseconds(lambda name=status.name: cross_scan(**inputs, backend=name), runs)  # type: ignore[misc]
        typer.echo(f"| {status.name} | {taken:.3f} | {moved / taken / roof:.0%} |")


def time_networks(side: int, batch: int, runs: int) -> None:
    """Milliseconds per megapixel of each variant, random weights, at the device's usual precision."""
    device = torch.device("cuda")
    dtype = resolve_precision("auto", device)
    typer.echo(f"{batch} images of {side}x{side}, {dtype}, scan: {dispatch.chosen(device)}")
    typer.echo("| variant | milliseconds per megapixel (median) |\n|---|---|")
    hazy = torch.rand(batch, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)
    for name, config in VARIANTS.items():
        network = CLIPHaze(config).eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.inference_mode(), autocast(device, dtype):
            taken = milliseconds(lambda network=network: network(hazy), runs)  # type: ignore[misc]
        typer.echo(f"| {name} | {taken / (batch * side**2 / 1e6):.2f} |")


def main(
    side: Annotated[int, typer.Option(help="Rows and columns of the image.")] = 1024,
    batch: int = 1,
    channels: Annotated[int, typer.Option(help="Channels of the scan.")] = 64,
    states: int = 8,
    runs: int = 20,
) -> None:
    """Time the networks and the scan backends on the first CUDA device."""
    if not torch.cuda.is_available():
        typer.echo("benchmarks.cuda needs a CUDA device; PyTorch sees none on this machine", err=True)
        raise typer.Exit(2)
    typer.echo(f"{torch.cuda.get_device_name()}; {machine()}")
    time_scans(side, channels, states, runs)
    time_networks(side, batch, runs)


if __name__ == "__main__":
    typer.run(main)
