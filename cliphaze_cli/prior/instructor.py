"""CLIP as it instructs one network: by which map, and by its embedding or not. Settled before any photo."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.prior.builders import DEFAULT_BUILDER, choose_builder
from cliphaze_cli.system.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cliphaze_cli.prior.clip_model import ClipPrior


@dataclass(frozen=True)
class Instructor:
    """Asks CLIP what the network was trained to be told.

    Attributes:
        prior: CLIP.
        builder: of its density maps.
        embeds: whether its embedding is passed on too.
        notices: for people, one line each: what is not as they may expect.
    """

    prior: "ClipPrior"
    builder: str
    embeds: bool
    notices: tuple[str, ...] = ()

    def density(self, pixels: "NDArray[np.generic]") -> "NDArray[np.float32]":
        """The haze-density map of an (H, W, 3) photo, (h, w) in [0, 1]."""
        return self.prior.density(pixels, builder=self.builder)


def instructor(
    prior: "ClipPrior",
    weights: str,
    instructions: frozenset[str],
    taught_by: ClipTraining | None,
    embedding_size: int,
    *,
    builder: str | None = None,
) -> Instructor | None:
    """Return how `prior` instructs a network, or None where its weights know no instruction.

    Args:
        weights: their name, for messages. instructions: that they were trained with: "density", "embedding".
        taught_by: the CLIP that they were trained with, where one was.
        embedding_size: E of the network.
        builder: asked for by the user; None takes that of the training, or the usual one.

    Raises:
        UsageError: the weights take the embedding of another CLIP than this one, or it cannot build such a map.
    """
    if not instructions:
        return None
    embeds = "embedding" in instructions
    if embeds and taught_by is not None and prior.name != taught_by.name:
        raise UsageError(
            f"the weights {weights} take the embedding of CLIP {taught_by.name}, which CLIP {prior.name} does not "
            f"give: use --clip {taught_by.name}"
        )
    if embeds and prior.embedding_size != embedding_size:
        raise UsageError(
            f"the weights {weights} take an embedding of {embedding_size} numbers, but CLIP {prior.name} gives "
            f"{prior.embedding_size}: use the CLIP that they were trained with"
        )
    usual = taught_by.builder if taught_by is not None else DEFAULT_BUILDER
    choice = choose_builder(prior.builders, prior.name, asked=builder, usual=usual)
    return Instructor(prior, choice.name, embeds, () if choice.notice is None else (choice.notice,))
