"""What is done with a photo of the page: looked at once, and saved as often as somebody wants its file.

Both go the way of every photo (`batch/work.py`), in a worker process: with its reader, limits, writer and messages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import Product, Tool, WorkOptions
from cliphaze_cli.places.remote import on_disk
from cliphaze_cli.report.settings import Settings

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazer
    from cliphaze_cli.imaging.photo import Photo

MAPS = "maps.npz"  # the network's K and B, in the folder of the job's target


@dataclass(frozen=True)
class Look(Job):
    """Dehaze a photo once: pictures for the page, and the maps by which it is saved, beside `target`."""

    def tool(self, loaded: Tool) -> Tool:
        """What makes them."""
        return _Looking(cast(_Loaded, loaded), on_disk(self.target).parent)


@dataclass(frozen=True)
class Save(Job):
    """Write a photo that was looked at, dehazed at a strength 0..1: the file that `cliphaze dehaze` writes."""

    strength: float = 1.0

    def tool(self, loaded: Tool) -> Tool:
        """What makes it."""
        return _Saving(cast(_Loaded, loaded), on_disk(self.target).parent, self.strength)


class _Loaded:
    """A network; what works with it depends on the job."""

    quality: int | None = None  # as without --quality

    def __init__(self, dehazer: "Dehazer") -> None:
        from cliphaze_cli.batch.loading import description, instruction

        self.dehazer, self.used = dehazer, description(dehazer)
        self.label = "{model} on {device}, {precision}, long side {resolution}, ".format(**self.used)
        self.label += instruction(self.used)

    def __call__(self, photo: "Photo") -> Product:
        raise NotImplementedError("a job says what is to be done")


def load(options: WorkOptions, notice: Callable[[str], object]) -> _Loaded:
    """Load the network. Raises CliphazeError where it cannot be used as asked."""
    from cliphaze_cli.batch import loading

    settings = options.settings
    assert isinstance(settings, Settings)
    weights = None if settings.weights is None else Path(settings.weights)
    return _Loaded(loading.load(settings.model, weights, options.device, settings.precision, settings.resolution))


class _Working:
    def __init__(self, loaded: _Loaded, folder: Path) -> None:
        self.used, self.label, self.quality = loaded.used, loaded.label, loaded.quality
        self._dehazer, self._folder = loaded.dehazer, folder


class _Looking(_Working):
    def __call__(self, photo: "Photo") -> Product:
        import numpy as np

        from cliphaze_cli.web import pictures

        dehazed = self._dehazer.dehaze(photo.pixels)
        np.savez(self._folder / MAPS, K=dehazed.K, B=dehazed.B)
        shown = pictures.save(self._folder, photo, dehazed.image, dehazed.density)
        return Product(None, None, {"density_mean": float(dehazed.density.mean()), "shown": shown})


class _Saving(_Working):
    def __init__(self, loaded: _Loaded, folder: Path, strength: float) -> None:
        super().__init__(loaded, folder)
        self._strength = strength

    def __call__(self, photo: "Photo") -> Product:
        import numpy as np

        with np.load(self._folder / MAPS, allow_pickle=False) as maps:
            pixels: Any = self._dehazer.apply(photo.pixels, maps["K"], maps["B"], strength=self._strength)
        return Product(pixels, None, {})
