"""The unit of a batch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cliphaze_cli.batch.options import Tool

MAP_ENDING = ".density.png"


@dataclass(frozen=True)
class Job:
    """One image to read and where to write it. `extras` are further files written for it, as density maps."""

    source: Path
    target: Path
    extras: tuple[Path, ...] = ()

    def tool(self, loaded: "Tool") -> "Tool":
        """What works on it, given what the process has loaded."""
        return loaded

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that the job writes."""
        return (self.target, *self.extras)

    @property
    def maps_stem(self) -> Path:
        """What the names of its density maps begin with; the target may be one of them."""
        map = next(path for path in self.outputs if path.name.endswith(MAP_ENDING))
        return map.with_name(map.name.removesuffix(MAP_ENDING))
