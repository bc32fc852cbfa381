"""Which way a density map is built: what was asked for, or what is usual, as far as the CLIP model can do it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cliphaze_cli.network.clip_training import BUILDERS
from cliphaze_cli.system.errors import UsageError

SURGERY, MASKCLIP, WINDOWS = BUILDERS
# One pass of the vision tower, as HazeCLIP's maps of regions; sliding windows cost nine times as much.
DEFAULT_BUILDER = SURGERY


@dataclass(frozen=True)
class BuilderChoice:
    """A builder's name, and where it is not the usual one what to tell people about it, in one line."""

    name: str
    notice: str | None = None


def choose_builder(
    possible: Sequence[str], clip: str, *, asked: str | None = None, usual: str = DEFAULT_BUILDER
) -> BuilderChoice:
    """Return the builder to use for all maps of a run.

    Args:
        possible: what the model can do; windows are always among it.
        clip: the model's name, for messages.
        asked: by the user; None takes `usual`, or windows where the model cannot do that.

    Raises:
        UsageError: there is no builder called `asked`, or this model cannot do it.
    """
    if asked is not None:
        if asked not in BUILDERS:
            raise UsageError(f"there is no density builder {asked!r}: known are {', '.join(BUILDERS)}")
        if asked not in possible:
            raise UsageError(
                f"CLIP {clip} has no patch tokens for the {asked} map: use the windows builder, or another CLIP"
            )
        return BuilderChoice(asked)
    if usual in possible:
        return BuilderChoice(usual)
    return BuilderChoice(
        WINDOWS, f"CLIP {clip} has no patch tokens for the {usual} map: it is built from sliding windows, more slowly"
    )
