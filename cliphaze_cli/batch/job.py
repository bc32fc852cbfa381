"""The unit of a batch."""

from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.imaging.film_names import is_film_name

MAP_ENDING = ".density.png"


@dataclass(frozen=True)
class Job:
    """One image, or film, to read and where to write it. `extras` are further files written for it, as density maps."""

    source: Path
    target: Path
    extras: tuple[Path, ...] = ()

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that the job writes."""
        return (self.target, *self.extras)

    @property
    def is_film(self) -> bool:
        """Whether it is a film, by its name."""
        return is_film_name(self.source)

    @property
    def maps_stem(self) -> Path:
        """What the names of its density maps begin with; the target may be one of them."""
        map = next(path for path in self.outputs if path.name.endswith(MAP_ENDING))
        return map.with_name(map.name.removesuffix(MAP_ENDING))
