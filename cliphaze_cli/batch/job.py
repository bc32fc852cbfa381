"""The unit of a batch."""

from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.imaging.comparison_paths import COMPARISON_ENDING

MAP_ENDING = ".density.png"


@dataclass(frozen=True)
class Job:
    """One image to read and where to write it. `extras` are further files written for it: density maps, and a
    picture of before and after."""

    source: Path
    target: Path
    extras: tuple[Path, ...] = ()

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that the job writes."""
        return (self.target, *self.extras)

    @property
    def maps_stem(self) -> Path:
        """What the names of its density maps begin with; the target may be one of them."""
        map = next(path for path in self.outputs if path.name.endswith(MAP_ENDING))
        return map.with_name(map.name.removesuffix(MAP_ENDING))

    @property
    def comparison(self) -> Path | None:
        """The picture of before and after, where one is wanted."""
        return next((path for path in self.extras if path.name.endswith(COMPARISON_ENDING)), None)
