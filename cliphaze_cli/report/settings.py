"""What decides the look of outputs: recorded in reports, and taken up again by `--retry`."""

import typing
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from cliphaze_cli.system.errors import UsageError


@dataclass(frozen=True)
class _Options:
    """Options of a command by their names, as they were given. The device is no part: a retry may run elsewhere."""

    precision: str = "auto"
    model: str = "tiny"
    weights: str | None = None
    clip: str | None = None
    builder: str | None = None
    white: float | None = None

    @property
    def record(self) -> dict[str, Any]:
        """As a report holds them."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Any) -> Self:
        """Read what a report holds. Raises UsageError for unknown names and for values of another type."""
        types = typing.get_type_hints(cls)
        if not isinstance(record, Mapping) or not record.keys() <= types.keys():
            raise UsageError(f"the report has settings that this version does not know; it knows {', '.join(types)}")
        for name, value in record.items():
            if not _is_possible(value, types[name]):
                raise UsageError(f"the report has an impossible setting: {name} is {value!r}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
        }
        return cls(**values)

    def overridden(self, given: Self, names: Collection[str]) -> Self:
        """These settings, but those called `names` as in `given`; which weights and which CLIP go together."""
        changes = {each.name: getattr(given, each.name) for each in fields(self) if each.name in names}
        if "model" in changes:
            changes.setdefault("weights", None)
        return replace(self, **changes)


@dataclass(frozen=True)
class Settings(_Options):
    """Those of `dehaze`. no_clip is what holds without it, too: CLIP is used only where `clip` names it. From `codec`
    on they are of films."""

    strength: float = 1.0
    quality: int | None = None
    density: bool = False
    compare: bool = False
    resolution: str = "auto"
    no_clip: bool = False
    codec: str | None = None
    crf: int | None = None
    preset: str = "veryfast"
    start: float | None = None
    end: float | None = None
    no_denoise: bool = False

    def overridden(self, given: Self, names: Collection[str]) -> Self:
        """As for all commands; --clip and --no-clip exclude each other."""
        if "clip" in names or "no_clip" in names:
            names = {*names, "clip", "no_clip"}
        return super().overridden(given, names)


@dataclass(frozen=True)
class DensitySettings(_Options):
    """Those of `density`. Without prompts they are the usual ones; `prompts` is a file of learned ones."""

    source: str = "auto"
    prompts: str | None = None
    prompt_hazy: tuple[str, ...] = ()
    prompt_clear: tuple[str, ...] = ()
    npy: bool = False


def _is_possible(value: Any, kind: Any) -> bool:
    if kind == tuple[str, ...]:
        return isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)
    # An int is a float to people, and True is an int only to Python.
    return isinstance(value, kind) or (kind in (float, float | None) and type(value) is int)
