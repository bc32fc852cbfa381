"""What makes a run reproducible, as data: it travels with the run's state and into the checkpoint's metadata.

Overrides are written `part.field=value`, as in `haze.dense=0.4`; `training.ablate` measures them one by one.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.network.config import VARIANTS, CLIPHazeConfig

WARMUP_STEPS = 200
FINAL_LEARNING_RATE = 1e-3  # relative to the peak


@dataclass(frozen=True)
class Scenes:
    """Clean crops. Shares are probabilities.

    Attributes:
        whole: share of crops as large as the photo allows.
        large_from: step from which crops of the size that photos are dehazed at are added. Small ones teach faster,
            large ones teach the global context.
        large: share of the large shapes from then on.
        levels: share of photos stretched to the full range, so that their darkest places are black.
        levels_of_things: that share among photos that do not show places.
        scenery: how much likelier photos of places are drawn than those of things.
        finished: share of photos finished as photographers do: contrast of large parts, gamma, saturation, a blurred
            background; see `finish.py`.
        matte: share of samples whose blacks are lifted as by a matte finish, and which get no haze.
        blank: share of samples that show no scene but an even surface or sky, and no haze.
        batch: the size of a batch, 1 for the usual number of pixels.
    """

    whole: float = 0.5
    large_from: int = 2000
    large: float = 0.4
    levels: float = 0.2
    levels_of_things: float = 0.35
    scenery: float = 1.0
    finished: float = 0.0
    matte: float = 0.0
    blank: float = 0.04
    batch: float = 1.0


@dataclass(frozen=True)
class HazeMix:
    """Shares of the kinds of optical depth, relative to their sum, and of what may come with each.

    Attributes:
        outdoor: follows depth and leaves near things alone. dense: covers near things too. room: dense, in the
            perspective of a room. smoke: plumes. billows: clouds of smoke close by, over thin or thick haze.
            light: thin. none: no haze.
        apart: part of the room's share that goes to outdoor haze in photos of places, and the other way in those of
            things.
        patchy: share with an uneven field. layered: share lying below, or hanging above, some row.
        fine, fine_smoke: share of haze, and of smoke, that is of fine particles, which dim blue first.
        alpha, alpha_smoke: the largest Angstrom exponent of fine haze, and of fine smoke.
        neutral, neutral_fine: share of exactly grey airlight, of grey haze and of fine haze.
        bright: share of airlight near white. dim: share of airlight darker than the scene's highlights.
        coloured: share of strongly coloured airlight, as by night or in a dust storm.
        sky: share, of photos with a bright sky, of airlight like that sky.
        uneven: share of haze that is lit unevenly.
        scattering: share with a blur that grows with the haze, by forward scattering.
    """

    outdoor: float = 0.34
    dense: float = 0.2
    room: float = 0.1
    smoke: float = 0.12
    billows: float = 0.12
    light: float = 0.12
    none: float = 0.12
    apart: float = 0.7
    patchy: float = 0.35
    layered: float = 0.08
    fine: float = 0.65
    fine_smoke: float = 0.95
    alpha: float = 2.0
    alpha_smoke: float = 3.0
    neutral: float = 0.5
    neutral_fine: float = 0.05
    bright: float = 0.0
    dim: float = 0.3
    coloured: float = 0.05
    sky: float = 0.2
    uneven: float = 0.6
    scattering: float = 0.3


@dataclass(frozen=True)
class Camera:
    """What takes the hazy picture.

    Attributes:
        noise: share of samples with noise. jpeg: share compressed. quality: the lowest JPEG quality.
    """

    noise: float = 0.6
    jpeg: float = 0.5
    quality: int = 60


@dataclass(frozen=True)
class Instructed:
    """How samples are instructed. Shares are probabilities; four of them matter only where the pack has CLIP's words.

    Attributes:
        present: share of samples with a density map, simulated where it is not CLIP's.
        saturated: share of simulated maps that are saturated. useless: share of them that say nothing true.
        clip_maps: share of samples under a haze that CLIP has seen, with its map (which `present` may take away).
        embedding: share of samples with an embedding. embedding_of_another: share of these that are another photo's.
        embedding_noise: length, at most, of what is added to the embedding, whose length is one.
        trust: share of what training made of a map's weight that is exported. A true map brings next to nothing (see
            docs/quality.md), and a wrong one may cost a decibel. 1 for weights that training goes on from.
    """

    present: float = 0.5
    saturated: float = 0.25
    useless: float = 0.65
    clip_maps: float = 0.25
    embedding: float = 0.5
    embedding_of_another: float = 0.1
    embedding_noise: float = 0.3
    trust: float = 0.4


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss's terms beside the image's L1, which has weight one; see `losses.py`.

    harm: weight of how much worse than the hazy picture the estimate is.
    """

    coarse: float = 0.5
    transmission: float = 0.1
    airlight: float = 0.2
    structure: float = 0.3
    harm: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """A whole run.

    Attributes:
        decay: share of the steps, the last ones, over which the learning rate falls to nearly nothing.
        at_end: what changes when it begins to fall, as overrides. What is seen then stays: more photos without haze,
            which the network must leave alone.
        batches_per_step: batches whose mean gradient makes a step; several processes share them.
        network: the variant's, unless changed.
        clip: the CLIP whose words the pack has; None trains without CLIP.
    """

    variant: str
    steps: int
    seed: int = 0
    learning_rate: float = 1.5e-3
    decay: float = 0.25
    at_end: tuple[str, ...] = ("haze.none=0.28", "haze.light=0.14", "scenes.levels=0.1")
    weight_decay: float = 1e-3
    ema_decay: float = 0.999
    batches_per_step: int = 1
    scenes: Scenes = field(default_factory=Scenes)
    haze: HazeMix = field(default_factory=HazeMix)
    camera: Camera = field(default_factory=Camera)
    instructed: Instructed = field(default_factory=Instructed)
    loss: LossWeights = field(default_factory=LossWeights)
    network: CLIPHazeConfig = None  # type: ignore[assignment]
    clip: ClipTraining | None = None

    def __post_init__(self) -> None:
        if self.network is None:
            object.__setattr__(self, "network", VARIANTS[self.variant])

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, constant, then a cosine: up to where that begins, runs of any length are the same run."""
        warm = min(1, (step + 1) / WARMUP_STEPS)
        decayed = max(0.0, (step - self.decays_from) / (self.steps - self.decays_from))
        return self.learning_rate * warm * (0.5 * (1 + math.cos(math.pi * decayed)) + FINAL_LEARNING_RATE)

    @property
    def decays_from(self) -> float:
        """The step from which the learning rate falls."""
        return (1 - self.decay) * self.steps

    def at(self, step: int) -> "Recipe":
        """The recipe of a step's batch."""
        return self if step < self.decays_from else self.override(self.at_end)

    def may_go_on_as(self, other: "Recipe", step: int) -> bool:
        """Whether a run by this recipe that stands at `step` is one by the other, too: they are equal, or differ in
        their length and their end alone, and neither has come to that."""
        undecayed = step <= min(self.decays_from, other.decays_from)
        end = {name: getattr(other, name) for name in ("steps", "decay", "at_end")}
        return self == other or (undecayed and replace(self, **end) == other)

    def taught_by(self, clip: ClipTraining | None) -> "Recipe":
        """The recipe with a pack's CLIP, whose embeddings decide the width of the network's input."""
        if clip is None:
            return replace(self, clip=None)
        return replace(self, clip=clip, network=replace(self.network, embedding_size=clip.embedding_size))

    @property
    def instructions(self) -> frozenset[str]:
        """Those of "density" and "embedding" that such a run teaches."""
        taught = {"density"} if self.instructed.present > 0 else set()
        if self.clip is not None and self.instructed.embedding > 0:
            taught.add("embedding")
        return frozenset(taught)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The inverse of `to_dict`."""
        parts: dict[str, Any] = {f.name: f.default_factory for f in fields(cls)}
        parts |= {"network": _network, "clip": ClipTraining}
        values = {**values, "at_end": tuple(values.get("at_end", cls.at_end))}
        return cls(**{key: parts[key](**value) if isinstance(value, dict) else value for key, value in values.items()})

    def override(self, settings: Iterable[str]) -> "Recipe":
        """The recipe with some fields changed, each given as `part.field=value` or `field=value`.

        Raises:
            ValueError: no such field, or a value of another kind.
        """
        recipe = self
        for setting in settings:
            path, _, text = setting.partition("=")
            recipe = _replaced(recipe, path.strip().split("."), text.strip(), setting)
        return recipe


def _network(**values: Any) -> CLIPHazeConfig:
    """A configuration whose tuples may have become lists."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return CLIPHazeConfig(**values)


def _replaced(part: Any, path: list[str], text: str, setting: str) -> Any:
    name = path[0]
    if not is_dataclass(part) or name not in {f.name for f in fields(part)}:
        raise ValueError(f"no field of the recipe is called as in {setting!r}")
    old = getattr(part, name)
    new = _replaced(old, path[1:], text, setting) if len(path) > 1 else _parsed(text, old, setting)
    return replace(part, **{name: new})  # type: ignore[type-var]


def _parsed(text: str, old: Any, setting: str) -> Any:
    try:
        value = text if isinstance(old, str) else json.loads(text)
    except ValueError:
        value = None
    if isinstance(old, float) and type(value) is int:
        value = float(value)
    texts = isinstance(old, tuple) and isinstance(next(iter(old), ""), str)  # such a list may have any length
    if isinstance(old, tuple) and isinstance(value, list) and (texts or len(value) == len(old)):
        value = tuple(value)
    if type(value) is not type(old):
        raise ValueError(
            f"{setting!r} wants a value of type {type(old).__name__}, as in {json.dumps(old, default=str)}"
        )
    return value
