"""The work of `cliphaze dehaze`: a photo without its haze, and its density maps where they are wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.batch.options import Maps, Product, WorkOptions
from cliphaze_cli.imaging.density_label import density_label
from cliphaze_cli.report.settings import Settings

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazer
    from cliphaze_cli.imaging.photo import Photo


class Dehazing:
    """Dehazes photos with `strength` 0..1, to be written with `quality`; with `maps` it exports their haze density."""

    def __init__(
        self, dehazer: "Dehazer", *, strength: float = 1.0, maps: bool = False, quality: int | None = None
    ) -> None:
        """Take a dehazer that has its CLIP already."""
        from cliphaze_cli.batch.loading import description, instruction

        self.used, self.quality = description(dehazer), quality
        self.label = "{model} on {device}, {precision}, long side {resolution}, ".format(**self.used)
        self.label += instruction(self.used)
        self.dehazer, self.strength, self._maps = dehazer, strength, maps

    def __call__(self, photo: "Photo") -> Product:
        """Dehaze one photo."""
        dehazed = self.dehazer.dehaze(photo.pixels, strength=self.strength)
        details = {"density_mean": float(dehazed.density.mean()), "density_source": dehazed.density_source}
        if not self._maps:
            return Product(dehazed.image, None, details)
        from cliphaze_cli.prior.upsample import upsample_density

        by_clip = dehazed.density_source == "clip"
        label = density_label(self.used["clip"], self.used["clip_builder"]) if by_clip else density_label(None)
        title = f"haze density ({label})"
        return Product(dehazed.image, Maps(upsample_density(dehazed.density, photo.pixels), title), details)


def load(options: WorkOptions, notice: Callable[[str], object]) -> Dehazing:
    """Load the network, and CLIP where it was asked for. notice: called with lines for people.

    Raises CliphazeError where it cannot be used as asked.
    """
    from cliphaze_cli.batch import loading

    settings = options.settings
    assert isinstance(settings, Settings)
    weights = None if settings.weights is None else Path(settings.weights)
    dehazer = loading.load(settings.model, weights, options.device, settings.precision, settings.resolution)
    if settings.clip is not None:
        loading.add_clip(dehazer, settings.clip, notice, builder=settings.builder, verified=options.clip_file)
    if options.retried_sha256 not in (None, dehazer.weights_sha256):
        notice(f"the weights {dehazer.weights_name} are not those of the run that is retried")
    return Dehazing(dehazer, strength=settings.strength, maps=settings.density, quality=settings.quality)
