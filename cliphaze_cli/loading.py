"""Load the network that a command asked for, with CLIP where it is here and of use."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.errors import WeightsError
from cliphaze_cli.prior import clip_model

if TYPE_CHECKING:
    from cliphaze_cli.dehazer import Dehazer


def load(model: str, weights: Path | None, device: str, precision: str, resolution: str) -> "Dehazer":
    """Load the network; see `Dehazer.from_pretrained`. Imports torch."""
    from cliphaze_cli.dehazer import Dehazer

    return Dehazer.from_pretrained(model, weights=weights, device=device, precision=precision, resolution=resolution)


def add_clip(dehazer: "Dehazer", clip: str | None, notice: Callable[[str], object]) -> None:
    """Give the dehazer CLIP, if its weights can use it; where CLIP was not asked for, being without is a notice."""
    if not dehazer.instructions:
        if clip is not None:
            notice(f"the weights {dehazer.weights_name} were trained without CLIP: --clip changes nothing")
        return
    try:
        if clip is None and not clip_model.clip_available(clip_model.DEFAULT_MODEL):
            notice("dehazing without CLIP: `cliphaze download-weights` fetches it (--no-clip: never use it)")
            return
        dehazer.prior = clip_model.ClipPrior.from_cache(clip or clip_model.DEFAULT_MODEL, device=dehazer.device)
    except (WeightsError, ImportError) as error:
        if clip is not None:
            raise
        notice(f"dehazing without CLIP: {error}")


def description(dehazer: "Dehazer") -> dict[str, Any]:
    """What is used, for people, --json and reports."""
    names = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}
    return {
        "model": dehazer.weights_name,
        "weights_sha256": dehazer.weights_sha256,
        "device": str(dehazer.device),
        "precision": names[str(dehazer.precision)],
        "resolution": dehazer.working_side or "full",
        "clip": dehazer.prior.name if dehazer.prior is not None else None,
        "clip_sha256": dehazer.prior.sha256 if dehazer.prior is not None else None,
    }


def nothing_used(model: str | None) -> dict[str, Any]:
    """The same of a run that had nothing to do, and loaded nothing."""
    names = ("weights_sha256", "device", "precision", "resolution", "clip", "clip_sha256")
    return {"model": model, **dict.fromkeys(names)}
