"""The unit of a batch."""

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cliphaze_cli.batch.options import Tool

from cliphaze_cli.imaging.comparison_paths import COMPARISON_ENDING
from cliphaze_cli.imaging.film_names import is_film_name
from cliphaze_cli.places.remote import Place

MAP_ENDING = ".density.png"


@dataclass(frozen=True)
class Job:
    """One image, or film, to read and where to write it. `extras` are further files written for it: density maps, and a
    picture of before and after.

    It can be pickled for another process or machine: of remote places it holds URLs, without credentials.
    """

    source: Place
    target: Place
    extras: tuple[Place, ...] = ()

    def tool(self, loaded: "Tool") -> "Tool":
        """What works on it, given what the process has loaded."""
        return loaded

    @property
    def outputs(self) -> tuple[Place, ...]:
        """Every file that the job writes."""
        return (self.target, *self.extras)

    @property
    def is_film(self) -> bool:
        """Whether it is a film, by its name."""
        return is_film_name(PurePath(self.source.name))

    @property
    def maps_stem(self) -> Place:
        """What the names of its density maps begin with; the target may be one of them."""
        map = next(path for path in self.outputs if path.name.endswith(MAP_ENDING))
        return map.with_name(map.name.removesuffix(MAP_ENDING))

    @property
    def comparison(self) -> Place | None:
        """The picture of before and after, where one is wanted."""
        return next((path for path in self.extras if path.name.endswith(COMPARISON_ENDING)), None)

    @property
    def is_local(self) -> bool:
        """Whether it reads and writes on this machine only."""
        return isinstance(self.source, Path) and isinstance(self.target, Path)
