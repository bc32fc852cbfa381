"""The weights that cliphaze knows by name: data of `weights/registry.json`, typed.

The environment variable CLIPHAZE_REGISTRY names another registry file to read instead, for mirrors and for tests;
embedded checkpoints are then sought beside that file.
"""

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import WeightsError
from cliphaze_cli.system.small_file import read_small_file

FORMAT = 1
MAX_BYTES = 1 << 24
_NONE = type(None)
_TYPES: dict[str, tuple[type, ...]] = {  # of fields that are not text
    **dict.fromkeys(("repo", "revision", "sha256", "open_clip_model", "open_clip_pretrained"), (str, _NONE)),
    **dict.fromkeys(("embedded", "default"), (bool,)),
    "size": (int, _NONE),
    "scores": (dict,),
}


@dataclass(frozen=True)
class WeightsEntry:
    """One weights file: where it is on the Hub, or that it is part of the package, and how to recognise it.

    name: what people type. kind: a CLIPHaze checkpoint, or a CLIP model of open_clip.
    repo, revision, file: the Hub's repository, a commit (40 hex digits), branch or tag, and the file in it.
    size: bytes. sha256: hex digest of the content. Both are None where only the Hub can tell.
    scores: per test set, as in the model card. default: chosen when no name (of this kind and model) is given.
    """

    name: str
    kind: Literal["cliphaze", "clip"]
    file: str
    repo: str | None = None
    revision: str | None = None
    size: int | None = None
    sha256: str | None = None
    licence: str = "unknown"
    trained_on: str = "unknown"
    scores: dict[str, Any] = field(default_factory=dict)
    embedded: bool = False
    default: bool = False
    open_clip_model: str | None = None
    open_clip_pretrained: str | None = None


def weights_dir() -> Path:
    """The folder of the registry and the embedded checkpoints: inside an installed wheel, or beside the sources.

    Raises:
        WeightsError: neither is there, or CLIPHAZE_REGISTRY names a file that is not.
    """
    if override := os.environ.get("CLIPHAZE_REGISTRY"):
        if not os.path.isfile(override):  # noqa: PTH113 - Path's raises for too long a name
            raise WeightsError(f"CLIPHAZE_REGISTRY names {override}, which is not a file: correct or unset it")
        return Path(override).parent
    package = Path(__file__).parents[1]
    for folder in (package / "weights", package.parent / "weights"):
        if (folder / "registry.json").is_file():
            return folder
    raise WeightsError(f"this installation has no weights registry beside {package}: install cliphaze again")


def load_registry() -> dict[str, WeightsEntry]:
    """Every known entry by name, in the file's order.

    Raises:
        WeightsError: the registry is missing or cannot be understood.
    """
    path = Path(os.environ.get("CLIPHAZE_REGISTRY") or weights_dir() / "registry.json")
    try:
        document = json.loads(read_small_file(path, MAX_BYTES))
        if not isinstance(document, dict) or not isinstance(document.get("weights", []), list):
            raise ValueError("it has no list of weights")
        if document["format"] != FORMAT:
            raise WeightsError(f"{path} has format {document['format']!r}, this cliphaze reads {FORMAT}: update one")
        entries = [_entry(record) for record in document["weights"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or repr(error)
        raise WeightsError(f"cannot read the weights registry {shown(path)}: {reason}; correct it") from error
    return {entry.name: entry for entry in entries}


def find(name: str) -> WeightsEntry:
    """The entry called `name`; case does not matter, and a CLIP model's own name means its default checkpoint.

    Raises:
        WeightsError: no such entry; the message lists the known names.
    """
    registry = load_registry()
    by_lower_case = {known.lower(): entry for known, entry in registry.items()}
    entry = by_lower_case.get(name.lower()) or pinned_clip(name)
    if entry is None:
        raise WeightsError(f"no weights are called {name!r}: known are {', '.join(registry)}")
    return entry


def pinned_clip(name: str | None = None) -> WeightsEntry | None:
    """The registry's entry for a CLIP model, "MODEL" or "MODEL:PRETRAINED"; without a name the default CLIP.

    OpenAI's spelling ("ViT-B/32") is understood. None when the registry does not pin that model.
    """
    clips = [entry for entry in load_registry().values() if entry.kind == "clip"]
    if name is not None:
        model, pretrained = split_clip_name(name)
        clips = [entry for entry in clips if (entry.open_clip_model or "").lower() == model.lower()]
        if pretrained is not None:
            return next((entry for entry in clips if entry.open_clip_pretrained == pretrained), None)
    return next((entry for entry in clips if entry.default), None)


def split_clip_name(name: str) -> tuple[str, str | None]:
    """("ViT-B-32", "openai") of "ViT-B/32:openai"; None where the name has no tag."""
    model, _, pretrained = name.partition(":")
    return model.replace("/", "-"), pretrained.lower().replace("-", "_") or None


def _entry(record: dict[str, Any]) -> WeightsEntry:
    if not isinstance(record, dict):
        raise TypeError("an entry is no record")
    unknown = record.keys() - {each.name for each in fields(WeightsEntry)}
    if unknown:
        raise ValueError(f"{record.get('name')}: unknown fields {', '.join(sorted(unknown))}")
    for name, value in record.items():
        if type(value) not in _TYPES.get(name, (str,)):  # not isinstance: True is an int
            raise TypeError(f"{record.get('name')}: {name} is {str(value)[:100]!a}")
    entry = WeightsEntry(**record)
    if entry.kind not in ("cliphaze", "clip"):
        raise ValueError(f"{entry.name}: kind is {entry.kind!r}, not cliphaze or clip")
    if not entry.embedded and entry.repo is None:
        raise ValueError(f"{entry.name}: neither embedded nor in a Hub repository")
    return entry
