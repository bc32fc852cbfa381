"""The work of `cliphaze density`: where the haze is in a photo, as seen by CLIP, or by the dehazing network."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.assignment import Assignment, Maps, Product
from cliphaze_cli.density_label import density_label
from cliphaze_cli.errors import WeightsError
from cliphaze_cli.report.settings import DensitySettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cliphaze_cli.imaging.photo import Photo


class Mapping:
    """Maps the haze of photos."""

    quality: int | None = None  # maps are lossless

    def __init__(
        self, estimate: "Callable[[NDArray[Any]], NDArray[np.float32]]", used: dict[str, Any], *, npy: bool = False
    ) -> None:
        """estimate: (H, W, 3) pixels to (h, w). used: see `loading.description`."""
        self.used = used
        self.label = density_label(used["clip"])
        self._estimate, self._npy = estimate, npy

    def __call__(self, photo: "Photo") -> Product:
        """Map one photo."""
        from cliphaze_cli.prior.upsample import upsample_density

        density = upsample_density(self._estimate(photo.pixels), photo.pixels)
        source = "model" if self.used["clip"] is None else "clip"
        details = {"density_mean": round(float(density.mean(dtype="float64")), 6), "density_source": source}
        return Product(None, Maps(density, f"haze density ({self.label})", self._npy), details)


def load(assignment: Assignment, notice: Callable[[str], object]) -> Mapping:
    """Load what judges. Raises CliphazeError where it cannot be used as asked."""
    settings = assignment.settings
    assert isinstance(settings, DensitySettings)
    make = _by_network if settings.source == "model" else _by_clip
    mapping = make(settings, assignment.device)
    if assignment.retried_sha256 not in (None, mapping.used["weights_sha256"]):
        notice(f"the weights {mapping.used['model']} are not those of the run that is retried")
    return mapping


def _by_clip(settings: DensitySettings, device: str) -> Mapping:
    """CLIP from the cache; where it is not, with how to get it and what else there is."""
    from cliphaze_cli.allocator import tune_allocator
    from cliphaze_cli.loading import nothing_used
    from cliphaze_cli.prior.clip_model import DEFAULT_MODEL, ClipPrior, clip_available
    from cliphaze_cli.prior.prompts import custom_prompts

    name = settings.clip or DEFAULT_MODEL
    available = clip_available(name)
    tune_allocator()
    try:
        prior = ClipPrior.from_cache(name, device=device)
    except WeightsError as error:
        if available:
            raise
        raise WeightsError(f"{error}, or give --source model for the network's own estimate (not CLIP)") from error
    prompts = custom_prompts(settings.prompt_hazy, settings.prompt_clear)
    return Mapping(
        lambda pixels: prior.density(pixels, builder=settings.builder, prompts=prompts),
        {**nothing_used(None), "device": str(prior.device), "clip": prior.name, "clip_sha256": prior.sha256},
        npy=settings.npy,
    )


def _by_network(settings: DensitySettings, device: str) -> Mapping:
    from cliphaze_cli.loading import description, load

    weights = None if settings.weights is None else Path(settings.weights)
    dehazer = load(settings.model, weights, device, settings.precision, "auto")
    return Mapping(dehazer.estimate_density, description(dehazer), npy=settings.npy)
