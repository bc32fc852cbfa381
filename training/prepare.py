"""Pack clean photos and their pop-up depths into one file.

    python -m training.prepare PHOTOS PACK.npz [--list weights/ATTRIBUTION.csv] [--clip ViT-B-32]

Which photos, and which of them show a place rather than things, is data: the list that also is the attribution of the
weights. Arrays of the pack: `names`, `places` (n,), `shapes` (n, 2) rows and columns, `photos` uint8 (sum H*W*3,),
`depths` uint8 (draws, sum h*w,) at half resolution, h = ceil(H/2), each photo after the other.
With --clip also what CLIP says of each photo, and of some hazed versions: see `clip_pack.ClipPack`.
"""

import csv
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image, ImageOps

from cliphaze_cli.hub.registry import weights_dir
from cliphaze_cli.prior.clip_model import ClipPrior
from training.arguments import existing_folder
from training.clip_pack import PackedPhoto, ask_clip
from training.popup_depth import popup_depth
from training.recipe import HazeMix

MAX_SIDE = 640
MIN_SIDE = 192
ATTRIBUTION = weights_dir() / "ATTRIBUTION.csv"


def prepare(
    photos: Annotated[Path, existing_folder("Folder of clean photos.")],
    pack: Annotated[Path, typer.Argument(help="File to write, .npz.")],
    photo_list: Annotated[
        Path, typer.Option("--list", help="CSV with the columns `file` and `shows` (place or thing).")
    ] = ATTRIBUTION,
    draws: Annotated[int, typer.Option(help="Pop-up depths per photo.")] = 2,
    seed: int = 0,
    clip: Annotated[
        str | None, typer.Option(help="CLIP model to train with, which `cliphaze download-weights` has fetched.")
    ] = None,
    builder: Annotated[str | None, typer.Option(help="Of CLIP's density maps.")] = None,
    versions: Annotated[int, typer.Option(help="Hazed versions of each photo that CLIP maps.")] = 3,
) -> None:
    """Pack clean photos and their pop-up depths."""
    prior = None if clip is None else ClipPrior.from_cache(clip)  # before the work, where it is not here
    shows = read_list(photo_list)
    paths = [photos / name for name in sorted(shows)]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise typer.BadParameter(
            f"{len(missing)} photos of {photo_list} are not in {photos}, the first is {missing[0]}"
        )
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(_prepare_one, path, draws, seed + i) for i, path in enumerate(paths)]
        packed = [(path.name, *result) for path, job in zip(paths, jobs, strict=True) if (result := job.result())]
    words: dict[str, Any] = {}
    if prior is not None:
        kind = prior.choose_builder(builder).name
        described = [PackedPhoto(photo, depths, shows[name] == "place") for name, photo, depths in packed]
        words = ask_clip(prior, described, builder=kind, versions=versions, seed=seed, mix=HazeMix()).arrays()
    np.savez(
        pack,
        names=np.array([name for name, _, _ in packed]),
        places=np.array([shows[name] == "place" for name, _, _ in packed]),
        shapes=np.array([photo.shape[:2] for _, photo, _ in packed]),
        photos=np.concatenate([photo.ravel() for _, photo, _ in packed]),
        depths=np.concatenate([depths.reshape(draws, -1) for _, _, depths in packed], axis=1),
        **words,
    )
    typer.echo(f"{len(packed)} of {len(paths)} photos packed into {pack}", err=True)


def read_list(path: Path) -> dict[str, str]:
    """What each photo of a list shows, by its file's name."""
    with path.open(newline="") as table:
        return {row["file"]: row["shows"] for row in csv.DictReader(table)}


def _prepare_one(path: Path, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """One photo as uint8 (H, W, 3) and its depths as uint8 (draws, h, w), or None when it is too small to train on."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    if min(image.size) < MIN_SIDE:
        return None
    half = image.resize(((image.width + 1) // 2, (image.height + 1) // 2), Image.Resampling.BOX)
    rgb = np.asarray(half, np.float32) / 255
    rng = np.random.default_rng(seed)
    depths = np.stack([popup_depth(rgb, rng) for _ in range(draws)])
    return np.asarray(image), np.round(255 * depths).astype(np.uint8)


if __name__ == "__main__":
    typer.run(prepare)
