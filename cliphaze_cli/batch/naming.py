"""How outputs are called after their sources."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cliphaze_cli.batch.job import MAP_ENDING
from cliphaze_cli.imaging import film_names
from cliphaze_cli.imaging.formats import format_for_new, format_of_name, output_extension

ExtraOutputs = Callable[[Path], Iterable[Path]]  # from an output's path without extension to further files


@dataclass(frozen=True)
class PhotoNames:
    """Photos and films named like their sources.

    suffix: before the extension. format: of photos, Pillow's name, None for the source's. extra_outputs: further files
    of each photo.
    """

    suffix: str = ""
    format: str | None = None
    extra_outputs: ExtraOutputs | None = None
    other_place: ClassVar[str] = "choose another OUTPUT, or give --suffix"  # advice where an output is an input
    films: ClassVar[bool] = True  # whether films are worked on, too

    def name(self, source: Path) -> str:
        """Of the output, without folder."""
        if film_names.is_film_name(source):
            return f"{source.stem}{self.suffix}{film_names.output_extension(source)}"
        own = format_of_name(source)
        if own is not None and self.format in (None, own):
            return f"{source.stem}{self.suffix}{source.suffix}"
        return f"{source.stem}{self.suffix}{output_extension(self.format or format_for_new(source))}"

    def extras(self, target: Path) -> tuple[Path, ...]:
        """What is written besides the target."""
        if self.extra_outputs is None or film_names.names_a_film(target):
            return ()
        return tuple(self.extra_outputs(target.with_suffix("")))


@dataclass(frozen=True)
class MapNames:
    """Density maps named after their photos; all_outputs: every file of a photo, by its path without extension."""

    all_outputs: ExtraOutputs
    other_place: ClassVar[str] = "give --output DIR"
    films: ClassVar[bool] = False

    def name(self, source: Path) -> str:
        """Of the map itself."""
        return f"{source.stem}{MAP_ENDING}"

    def extras(self, target: Path) -> tuple[Path, ...]:
        """Its overlay, and its array."""
        stem = target.with_name(target.name.removesuffix(MAP_ENDING))
        return tuple(path for path in self.all_outputs(stem) if path != target)
