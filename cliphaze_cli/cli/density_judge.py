"""Who judges the haze density for `cliphaze density`: CLIP, or the dehazing network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.density_label import density_label
from cliphaze_cli.errors import WeightsError
from cliphaze_cli.prior.clip_model import ClipPrior, clip_available
from cliphaze_cli.prior.prompts import Prompts, custom_prompts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Judge:
    """Where the maps come from. `label` names it in legends and lines, `fields` in the JSON document."""

    label: str
    fields: dict[str, Any]
    estimate: "Callable[[NDArray[np.generic]], NDArray[np.float32]]"  # (H, W, 3) pixels to (h, w)


def by_clip(name: str, builder: str, prompts: Prompts, device: str) -> Judge:
    """CLIP from the cache. Raises WeightsError where it is not, with how to get it and what else there is."""
    from cliphaze_cli.allocator import tune_allocator

    available = clip_available(name)
    tune_allocator()
    try:
        prior = ClipPrior.from_cache(name, device=device)
    except WeightsError as error:
        if available:
            raise
        raise WeightsError(f"{error}, or give --source model for the network's own estimate (not CLIP)") from error
    fields: dict[str, Any] = {"source": "clip", "model": prior.name, "builder": builder}
    if prompts != custom_prompts():
        fields["prompts"] = {"hazy": list(prompts.hazy), "clear": list(prompts.clear)}
    return Judge(
        label=density_label(prior.name),
        fields=fields,
        estimate=lambda pixels: prior.density(pixels, builder=builder, prompts=prompts),
    )


def by_network(model: str, weights: Path | None, device: str, precision: str) -> Judge:
    """The network's own estimate. Raises WeightsError or UsageError as `Dehazer.from_pretrained` does."""
    from cliphaze_cli.dehazer import Dehazer

    dehazer = Dehazer.from_pretrained(model, weights=weights, device=device, precision=precision)
    return Judge(
        label=density_label(None),
        fields={"source": "model", "model": dehazer.weights_name},
        estimate=dehazer.estimate_density,
    )
