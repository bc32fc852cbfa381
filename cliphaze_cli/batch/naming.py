"""How outputs are called after their sources."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import ClassVar

from cliphaze_cli.batch.job import MAP_ENDING
from cliphaze_cli.imaging import film_names
from cliphaze_cli.imaging.comparison_paths import comparison_path
from cliphaze_cli.imaging.formats import format_for_new, format_of_name, output_extension
from cliphaze_cli.places.remote import Place

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

    def name(self, source: Place | PurePath) -> str:
        """Of the output, without folder."""
        source = PurePath(source.name)
        if film_names.is_film_name(source):
            return f"{source.stem}{self.suffix}{film_names.output_extension(source)}"
        own = format_of_name(source)
        if own is not None and self.format in (None, own):
            return f"{source.stem}{self.suffix}{source.suffix}"
        return f"{source.stem}{self.suffix}{output_extension(self.format or format_for_new(source))}"

    def extras(self, target: Place) -> tuple[Place, ...]:
        """What is written besides the target."""
        name = Path(target.name)
        if self.extra_outputs is None or film_names.names_a_film(name):
            return ()
        return tuple(target.with_name(path.name) for path in self.extra_outputs(name.with_suffix("")))


def extra_outputs(*, density: bool, compare: bool) -> ExtraOutputs | None:
    """What `PhotoNames` takes for density maps and comparisons."""
    kinds: list[ExtraOutputs] = []
    if density:
        from cliphaze_cli.imaging.density_map import density_paths

        kinds.append(density_paths)
    if compare:
        kinds.append(lambda stem: [comparison_path(stem)])
    return (lambda stem: [path for kind in kinds for path in kind(stem)]) if kinds else None


@dataclass(frozen=True)
class MapNames:
    """Density maps named after their photos; all_outputs: every file of a photo, by its path without extension."""

    all_outputs: ExtraOutputs
    other_place: ClassVar[str] = "give --output DIR"
    films: ClassVar[bool] = False

    def name(self, source: Place | PurePath) -> str:
        """Of the map itself."""
        return f"{source.stem}{MAP_ENDING}"

    def extras(self, target: Place) -> tuple[Place, ...]:
        """Its overlay, and its array."""
        stem = Path(target.name.removesuffix(MAP_ENDING))
        return tuple(target.with_name(path.name) for path in self.all_outputs(stem) if path.name != target.name)
