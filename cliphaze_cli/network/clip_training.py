"""With which CLIP weights were trained: a part of a checkpoint's metadata, which `dehaze --clip` then obeys."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BUILDERS = ("surgery", "maskclip", "windows")  # ways to build a density map: see `prior.builders`
MAX_NAME = 100  # characters
MAX_EMBEDDING = 4096


@dataclass(frozen=True)
class ClipTraining:
    """The CLIP whose embeddings and maps weights have seen.

    Attributes:
        name: open_clip's model and tag, as in "ViT-B-32:openai".
        builder: how its maps were built.
        embedding_size: E.

    Raises ValueError when one of them is impossible.
    """

    name: str
    builder: str
    embedding_size: int

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isprintable() or not 0 < len(self.name) <= MAX_NAME:
            raise ValueError("no CLIP model has such a name")
        if self.builder not in BUILDERS:
            raise ValueError(f"no density builder is called {str(self.builder)[:MAX_NAME]!a}")
        if type(self.embedding_size) is not int or not 0 < self.embedding_size <= MAX_EMBEDDING:
            raise ValueError(f"no CLIP model has embeddings of {str(self.embedding_size)[:MAX_NAME]!a} numbers")

    def to_json(self) -> str:
        """As metadata hold it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ClipTraining":
        """The inverse of `to_json`. Raises ValueError for anything else."""
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("not an object")
        return cls.from_record(values)

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> "ClipTraining":
        """From its fields by name, as a training state holds them. Raises ValueError for others."""
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(str(error)) from error
