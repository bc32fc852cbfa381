"""What a batch does with each photo: dehaze it, and write its density maps where they are wanted."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.run import Product
from cliphaze_cli.density_label import density_label

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazed, Dehazer
    from cliphaze_cli.imaging.photo import Photo


def dehazing(
    dehazer: "Dehazer", *, strength: float, maps: bool, replace_maps: bool = True
) -> "Callable[[Photo], Product]":
    """Return the `process` of `batch.run`: dehaze with `strength` 0..1, and with `maps` export the haze density.

    Without `replace_maps` a map that exists makes its photo fail.

    Details of each product: density_mean (0..1, of the hazy photo) and density_source ("clip" or "model").
    """
    return partial(_dehaze, dehazer, strength, maps, replace_maps)


def _dehaze(dehazer: "Dehazer", strength: float, maps: bool, replace_maps: bool, photo: "Photo") -> Product:
    from cliphaze_cli.imaging.imagefile import with_pixels

    dehazed = dehazer.dehaze(photo.pixels, strength=strength)
    return Product(
        with_pixels(photo, dehazed.image),
        write_extras=partial(_write_maps, photo, dehazed, _title(dehazer, dehazed), replace_maps) if maps else None,
        details={"density_mean": float(dehazed.density.mean()), "density_source": dehazed.density_source},
    )


def _write_maps(photo: "Photo", dehazed: "Dehazed", title: str, replace: bool, job: Job) -> None:
    # Enlarged only now, by the writing thread: a float map of the photo's size is as large as the photo.
    from cliphaze_cli.imaging.densitymap import save_density
    from cliphaze_cli.prior.upsample import upsample_density

    density = upsample_density(dehazed.density, photo.pixels)
    save_density(density, photo.pixels, job.stem, title=title, replace=replace)


def _title(dehazer: "Dehazer", dehazed: "Dehazed") -> str:
    prior = dehazer.prior if dehazed.density_source == "clip" else None
    return f"haze density ({density_label(prior.name if prior is not None else None)})"
