"""What decides how a photo is dehazed: recorded in reports, and taken up again by `--retry`."""

import typing
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from cliphaze_cli.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """Options of `dehaze` by their names, as they were given. The device is no part: a retry may run elsewhere."""

    strength: float = 1.0
    quality: int | None = None
    density: bool = False
    resolution: str = "auto"
    precision: str = "auto"
    model: str = "tiny"
    weights: str | None = None
    clip: str | None = None
    no_clip: bool = False
    white: float | None = None

    @property
    def record(self) -> dict[str, Any]:
        """As a report holds them."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Any) -> "Settings":
        """Read what a report holds. Raises UsageError for unknown names and for values of another type."""
        types = typing.get_type_hints(cls)
        if not isinstance(record, Mapping) or not record.keys() <= types.keys():
            raise UsageError(f"the report has settings that this version does not know; it knows {', '.join(types)}")
        for name, value in record.items():
            # An int is a float to people, and True is an int only to Python.
            if not isinstance(value, types[name]) and not (name in ("strength", "white") and type(value) is int):
                raise UsageError(f"the report has an impossible setting: {name} is {value!r}")
        return cls(**record)

    def overridden(self, given: "Settings", names: Collection[str]) -> "Settings":
        """These settings, but those called `names` as in `given`; which weights and which CLIP go together."""
        changes = {each.name: getattr(given, each.name) for each in fields(self) if each.name in names}
        if "model" in changes:
            changes.setdefault("weights", None)
        if "clip" in changes:
            changes.setdefault("no_clip", False)
        if "no_clip" in changes:
            changes.setdefault("clip", None)
        return replace(self, **changes)
