"""The network on a CPU: seconds per image of each variant, scan backend and precision, and what bfloat16 costs.

    python -m benchmarks.network
    python -m benchmarks.network --threads 2 --side 1024

Core-seconds are the process's own processor time: on one thread they hardly depend on what else the machine does.
"""

import math
import statistics
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated
from unittest import mock

import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor

from benchmarks.timing import machine
from cliphaze_cli.hub import resolve_weights
from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.cliphaze import CLIPHaze, apply_maps
from cliphaze_cli.network.config import VARIANTS
from cliphaze_cli.scan import dispatch, numba_cpu
from cliphaze_cli.system.allocator import tune_allocator
from cliphaze_cli.system.devices import autocast

PHOTO = Path(__file__).parent.parent / "examples" / "christTheRedeemer.webp"
CPU = torch.device("cpu")


def network_of(variant: str) -> CLIPHaze:
    """The embedded weights of `tiny`; random ones of the others, which takes as long."""
    torch.manual_seed(0)
    network = checkpoint.load(resolve_weights("tiny")).network if variant == "tiny" else CLIPHaze(VARIANTS[variant])
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def photo(side: int) -> Tensor:
    """(1, 3, side, side) in [0, 1]."""
    with Image.open(PHOTO) as image:
        pixels = np.asarray(image.convert("RGB").resize((side, side)), np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)


def main(
    variant: Annotated[list[str] | None, typer.Option(help="Variant to time; repeatable.")] = None,
    side: Annotated[int, typer.Option(help="Rows and columns of the image, at native size.")] = 1024,
    threads: int = 1,
    runs: int = 5,
) -> None:
    """Time each variant with each CPU scan backend, in float32 and bfloat16, in turn."""
    torch.set_num_threads(threads)
    tune_allocator()
    hazy = photo(side)
    has_numba = dispatch.chosen(CPU) == "numba"
    scans = {"torch": mock.patch.object(numba_cpu.KERNEL, "failures", ["left out"])} | (
        {"numba": nullcontext()} if has_numba else {}
    )
    typer.echo(f"{machine()}; {side}x{side}")
    typer.echo("| variant | scan | precision | seconds (median) | core-seconds | ratio | PSNR to float32 |")
    typer.echo("|---|---|---|---|---|---|---|")
    for name in variant or ["tiny", "small"]:
        network = network_of(name)
        candidates = [(scan, dtype) for scan in scans for dtype in (torch.float32, torch.bfloat16)]
        wall: dict[object, list[float]] = {candidate: [] for candidate in candidates}
        cores: dict[object, list[float]] = {candidate: [] for candidate in candidates}
        outputs: dict[object, Tensor] = {}
        for run in range(runs + 1):
            for candidate in candidates:
                scan, dtype = candidate
                with scans[scan], torch.inference_mode(), autocast(CPU, dtype):
                    start, used = time.perf_counter(), time.process_time()
                    K, B = network(hazy)
                    if run:  # the first is a warm-up
                        wall[candidate].append(time.perf_counter() - start)
                        cores[candidate].append(time.process_time() - used)
                outputs[candidate] = apply_maps(hazy, K.float(), B.float()).clamp(0, 1)
        first = candidates[0]
        for scan, dtype in candidates:
            seconds = statistics.median(wall[scan, dtype])
            ratio = seconds / statistics.median(wall[first])
            psnr = _psnr(outputs[scan, dtype], outputs[first])
            # the random networks of the other variants change nothing: their head is zero
            typer.echo(
                f"| {name} | {scan} | {str(dtype).removeprefix('torch.')} | {seconds:.3f} "
                f"| {statistics.median(cores[scan, dtype]):.3f} | {ratio:.2f} | {psnr if name == 'tiny' else '-'} |"
            )


def _psnr(image: Tensor, reference: Tensor) -> str:
    error = (image - reference).square().mean().item()
    return f"{-10 * math.log10(error):.1f} dB" if error else "equal"


if __name__ == "__main__":
    typer.run(main)
