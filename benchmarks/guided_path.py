"""What carrying small maps to full resolution costs, everywhere and beside depth edges, where halos would be.

    python -m benchmarks.guided_path DATA --factor 2 --factor 4

The network runs at the photo's own size; its maps are applied directly, or averaged down by a factor, carried up again
by the guided filter and applied. The filter's radius is fixed in pixels of the maps: for small photos and large factors
its windows are far wider, relative to the photo, than in use.
"""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import typer
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.restoration.apply import dehaze_pixels
from cliphaze_cli.restoration.pixels import rows_as_tensor, shrink
from training.metrics import psnr
from training.pairs import find_sets, read_rgb

EDGE_SHARE = 0.02  # of a photo's pixels, those where the density changes most, count as depth edges
BESIDE = 16  # px; a halo is seen on either side of an edge


def main(
    data: Annotated[Path, typer.Argument(help="Folder of sets with hazy/ and clear/.")],
    factor: Annotated[list[int], typer.Option(help="By which the maps are reduced; repeatable.")],
    weights: Path | None = None,
) -> None:
    """Print PSNR, of whole photos and of what lies beside depth edges, for each set and factor."""
    dehazer = Dehazer.from_pretrained(weights=weights, resolution="full")
    typer.echo("| set | maps | PSNR | PSNR beside depth edges |\n|---|---|---|---|")
    for pairs in find_sets(data):
        if pairs.clear_only:
            continue
        scores: dict[str, list[tuple[float, float]]] = {}
        for hazy_path, clear_path in pairs.pairs:
            hazy, clear = read_rgb(hazy_path), read_rgb(clear_path)
            direct = dehazer.dehaze(hazy)
            K, B = (torch.from_numpy(x).permute(2, 0, 1)[None] for x in (direct.K, direct.B))
            beside = beside_edges(direct.density)
            images = {"applied directly": direct.image}
            images |= {f"at 1/{n} of the sides": carried(hazy, K, B, n) for n in factor}
            for name, image in images.items():
                scores.setdefault(name, []).append((psnr(image, clear), psnr(image[beside], clear[beside])))
        for name, values in scores.items():
            whole, edges = np.mean(values, 0)
            typer.echo(f"| {pairs.name} | {name} | {whole:.2f} | {edges:.2f} |")


def beside_edges(density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels of a density map (H, W) lie at most BESIDE pixels from its steepest places."""
    slope = np.hypot(cv2.Sobel(density, cv2.CV_32F, 1, 0), cv2.Sobel(density, cv2.CV_32F, 0, 1))
    edges = (slope >= np.quantile(slope, 1 - EDGE_SHARE)).astype(np.uint8)
    return cv2.dilate(edges, np.ones((2 * BESIDE + 1, 2 * BESIDE + 1), np.uint8)) > 0


def carried(hazy: NDArray[np.uint8], K: Tensor, B: Tensor, factor: int) -> NDArray[np.uint8]:
    """`hazy` (H, W, 3) dehazed by its maps, (1, 3, H, W), reduced by `factor` and carried up again."""
    height, width = (max(1, round(side / factor)) for side in hazy.shape[:2])
    small_K, small_B = (F.interpolate(x, (height, width), mode="area") for x in (K, B))
    return dehaze_pixels(hazy, rows_as_tensor(shrink(hazy, height, width)), small_K, small_B)


if __name__ == "__main__":
    typer.run(main)
