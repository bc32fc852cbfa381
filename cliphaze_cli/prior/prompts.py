"""The texts that CLIP compares an image with: one ensemble for haze, one for clear air."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from cliphaze_cli.system.errors import UsageError


@dataclass(frozen=True)
class Prompts:
    """Two ensembles of texts. Where both have the same length, the i-th texts describe the same scene.

    Raises UsageError when a side is empty or holds a blank text.
    """

    hazy: tuple[str, ...]
    clear: tuple[str, ...]

    def __post_init__(self) -> None:
        for side, texts in (("hazy", self.hazy), ("clear", self.clear)):
            if not texts:
                raise UsageError(f"there is no {side} prompt: give at least one")
            if any(not text.strip() for text in texts):
                raise UsageError(f"a {side} prompt is blank: give it some text")

    @property
    def digest(self) -> str:
        """A hexadecimal name for exactly these texts in this order."""
        return hashlib.sha256(json.dumps([self.hazy, self.clear]).encode()).hexdigest()


@lru_cache(maxsize=1)
def default_prompts() -> Prompts:
    """Return the ensembles of `prompts.json`, paired scene by scene."""
    texts = json.loads(resources.files(__package__).joinpath("prompts.json").read_text(encoding="utf-8"))
    return Prompts(hazy=tuple(texts["hazy"]), clear=tuple(texts["clear"]))


def custom_prompts(hazy: Sequence[str] = (), clear: Sequence[str] = ()) -> Prompts:
    """Return prompts with the given texts; a side that is not given keeps its default ensemble."""
    default = default_prompts()
    return Prompts(hazy=tuple(hazy) or default.hazy, clear=tuple(clear) or default.clear)
