"""The unit of a batch."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One image to read and where to write it. `extras` are further files written for it, as density maps."""

    source: Path
    target: Path
    extras: tuple[Path, ...] = ()

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that the job writes."""
        return (self.target, *self.extras)

    @property
    def stem(self) -> Path:
        """The target without its extension."""
        return self.target.with_suffix("")
