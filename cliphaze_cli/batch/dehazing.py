"""What a batch does with photos: dehaze them, and write their density maps where they are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.run import Product
from cliphaze_cli.density_label import density_label

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazed, Dehazer
    from cliphaze_cli.imaging.photo import Photo


@dataclass(frozen=True)
class Dehazing:
    """The `process` of `batch.run`: dehaze with `strength` 0..1, and with `maps` export the haze density.

    Without `replace_maps` a map that exists makes its photo fail.

    Details of each product: density_mean (0..1, of the hazy photo) and density_source ("clip" or "model").
    """

    dehazer: "Dehazer"
    strength: float
    maps: bool
    replace_maps: bool = True

    def __call__(self, photo: "Photo") -> Product:
        """Dehaze one photo."""
        (product,) = self.together([photo])
        return product

    def together(self, photos: "Sequence[Photo]") -> list[Product]:
        """Dehaze photos of one size at once."""
        dehazed = self.dehazer.dehaze_together([photo.pixels for photo in photos], strength=self.strength)
        return [self._product(photo, one) for photo, one in zip(photos, dehazed, strict=True)]

    def _product(self, photo: "Photo", dehazed: "Dehazed") -> Product:
        from cliphaze_cli.imaging.imagefile import with_pixels

        write_maps = partial(_write_maps, photo, dehazed, self._title(dehazed), self.replace_maps)
        return Product(
            with_pixels(photo, dehazed.image),
            write_extras=write_maps if self.maps else None,
            details={"density_mean": float(dehazed.density.mean()), "density_source": dehazed.density_source},
        )

    def _title(self, dehazed: "Dehazed") -> str:
        prior = self.dehazer.prior if dehazed.density_source == "clip" else None
        return f"haze density ({density_label(prior.name if prior is not None else None)})"


def _write_maps(photo: "Photo", dehazed: "Dehazed", title: str, replace: bool, job: Job) -> None:
    # Enlarged only now, by the writing thread: a float map of the photo's size is as large as the photo.
    from cliphaze_cli.imaging.densitymap import save_density
    from cliphaze_cli.prior.upsample import upsample_density

    density = upsample_density(dehazed.density, photo.pixels)
    save_density(density, photo.pixels, job.stem, title=title, replace=replace, source=photo.file)
