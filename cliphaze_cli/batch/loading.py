"""Load the network that a command asked for, with CLIP where it was asked for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.system.errors import WeightsError

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazer
    from cliphaze_cli.hub import VerifiedFile
    from cliphaze_cli.network.clip_training import ClipTraining
    from cliphaze_cli.prior.instructor import Instructor

AUTOMATIC = "auto"  # in place of a CLIP model's name: the one that taught the weights, or else the usual one


def load(model: str, weights: Path | None, device: str, precision: str, resolution: str) -> "Dehazer":
    """Load the network; see `Dehazer.from_pretrained`. Imports torch."""
    from cliphaze_cli.dehazer import Dehazer

    return Dehazer.from_pretrained(model, weights=weights, device=device, precision=precision, resolution=resolution)


def add_clip(
    dehazer: "Dehazer",
    clip: str,
    notice: Callable[[str], object],
    *,
    builder: str | None = None,
    verified: "VerifiedFile | None" = None,
) -> None:
    """Let the CLIP model that was asked for instruct the dehazer, if its weights can use it.

    Args:
        clip: open_clip's name, with or without a tag; `AUTOMATIC`: that which taught the weights, or the usual one.
        builder: of the density maps; None takes that of the training, or the usual one.
        verified: CLIP's file, where this run has hashed it before.

    Raises:
        WeightsError: CLIP's weights are not here or not usable; the message says what to do.
        UsageError: it does not fit the network's weights.
    """
    if not dehazer.instructions:
        notice(f"the weights {dehazer.weights_name} were trained without CLIP: --clip changes nothing")
        return
    from cliphaze_cli.prior.clip_model import ClipPrior

    name = clip_for(clip, dehazer.taught_by)
    prior = ClipPrior.from_cache(name, device=dehazer.device, verified=verified)
    dehazer.instruct(prior, builder=builder)
    assert dehazer.instructor is not None
    for text in dehazer.instructor.notices:
        notice(text)


def teacher(model: str, weights: str | None) -> "ClipTraining | None":
    """The CLIP that taught weights, as their file's header names it; None where it does not, or cannot be read (which
    loading tells). Imports nothing heavy."""
    from cliphaze_cli.hub.cache import find_cached
    from cliphaze_cli.hub.registry import find
    from cliphaze_cli.hub.resolve import embedded_path
    from cliphaze_cli.network.clip_training import ClipTraining
    from cliphaze_cli.network.tensor_header import HeaderError, read_header

    try:
        path = Path(weights) if weights is not None else None
        if path is None:
            entry = find(model)
            path = embedded_path(entry) if entry.embedded else find_cached(entry)
        if path is None or not path.is_file():
            return None
        with path.open("rb") as file:
            metadata = read_header(file).metadata
        return ClipTraining.from_json(metadata["clip"]) if "clip" in metadata else None
    except (OSError, HeaderError, WeightsError, ValueError):
        return None


def clip_for(asked: str, taught_by: "ClipTraining | None") -> str:
    """The model that `--clip` means."""
    if asked != AUTOMATIC:
        return asked
    return DEFAULT_MODEL if taught_by is None else taught_by.name


def description(dehazer: "Dehazer") -> dict[str, Any]:
    """What is used, for people, --json and reports."""
    names = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}
    return {
        "model": dehazer.weights_name,
        "weights_sha256": dehazer.weights_sha256,
        "device": str(dehazer.device),
        "precision": names[str(dehazer.precision)],
        "resolution": dehazer.long_side or "full",
        **_clip_record(dehazer.instructor),
    }


def nothing_used(model: str | None) -> dict[str, Any]:
    """The same of a run that had nothing to do, and loaded nothing."""
    names = ("weights_sha256", "device", "precision", "resolution")
    return {"model": model, **dict.fromkeys(names), **_clip_record(None)}


def instruction(used: Mapping[str, Any]) -> str:
    """What instructs the network, for people, of what `description` returned."""
    if used["clip"] is None:
        return "no CLIP"
    means = f"{used['clip_builder']} map{' and embedding' if used['clip_embedding'] else ''}"
    return f"instructed by CLIP {used['clip']} ({means})"


def _clip_record(instructor: "Instructor | None") -> dict[str, Any]:
    if instructor is None:
        return dict.fromkeys(("clip", "clip_sha256", "clip_builder", "clip_embedding"))
    prior = instructor.prior
    return {
        "clip": prior.name,
        "clip_sha256": prior.sha256,
        "clip_builder": instructor.builder,
        "clip_embedding": instructor.embeds,
    }
