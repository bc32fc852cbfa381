"""Write a set of pairs to score on: synthetic haze over clear photos that nothing was trained on.

    python -m training.hazy_set PHOTOS DATA/thin --kind light --set haze.fine=0
    python -m training.evaluate DATA

Real pairs are few, and say little about how bad the worst photo may get; such a set is as large as one has photos.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from training.arguments import existing_folder
from training.haze import KINDS
from training.hazed import hazed_photo
from training.pairs import read_rgb
from training.recipe import Recipe


def hazy_set(
    photos: Annotated[Path, existing_folder("Folder of clear photos.")],
    target: Annotated[Path, typer.Argument(help="Folder to write, with hazy/ and clear/ in it.")],
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="Only this kind of haze; repeatable.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe's haze, as in haze.fine=0; repeatable.")
    ] = None,
    seed: int = 0,
) -> None:
    """Write hazy and clear PNGs of the photos' names, one draw of haze each."""
    unknown = sorted(set(kinds or ()) - set(KINDS))
    if unknown:
        raise typer.BadParameter(f"no kind of haze is called {unknown[0]!r}; there are {', '.join(KINDS)}")
    try:
        mix = Recipe("tiny", steps=1).override(settings or ()).haze
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if kinds:
        mix = replace(mix, **{kind: 0.0 for kind in KINDS if kind not in kinds})
    for part in ("hazy", "clear"):
        (target / part).mkdir(parents=True, exist_ok=True)
    for i, path in enumerate(sorted(path for path in photos.iterdir() if path.is_file())):
        photo = hazed_photo(read_rgb(path), seed + i, mix=mix)
        Image.fromarray(photo.hazy).save(target / "hazy" / f"{path.stem}.png")
        Image.fromarray(photo.clear).save(target / "clear" / f"{path.stem}.png")


if __name__ == "__main__":
    typer.run(hazy_set)
