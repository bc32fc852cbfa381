"""The work of `cliphaze density`: where the haze is in a photo, as seen by CLIP, or by the dehazing network."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.options import Maps, Product, WorkOptions
from cliphaze_cli.imaging.density_label import density_label
from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.prior.builders import DEFAULT_BUILDER, choose_builder
from cliphaze_cli.report.settings import DensitySettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cliphaze_cli.imaging.photo import Photo
    from cliphaze_cli.prior.clip_model import ClipPrior


class Mapping:
    """Maps the haze of photos."""

    quality: int | None = None  # maps are lossless

    def __init__(
        self, estimate: "Callable[[NDArray[Any]], NDArray[np.float32]]", used: dict[str, Any], *, npy: bool = False
    ) -> None:
        """estimate: (H, W, 3) pixels to (h, w). used: see `loading.description`."""
        self.used = used
        self.label = density_label(used["clip"], used["clip_builder"])
        self._estimate, self._npy = estimate, npy

    def __call__(self, photo: "Photo") -> Product:
        """Map one photo."""
        from cliphaze_cli.prior.upsample import upsample_density

        density = upsample_density(self._estimate(photo.pixels), photo.pixels)
        source = "model" if self.used["clip"] is None else "clip"
        details = {"density_mean": round(float(density.mean(dtype="float64")), 6), "density_source": source}
        return Product(None, Maps(density, f"haze density ({self.label})", self._npy), details)


def load(options: WorkOptions, notice: Callable[[str], object]) -> Mapping:
    """Load what judges. Raises CliphazeError where it cannot be used as asked."""
    settings = options.settings
    assert isinstance(settings, DensitySettings)
    if settings.source == "model":
        mapping = _by_network(settings, options.device)
    else:
        mapping = _by_clip(settings, options, notice)
    if options.retried_sha256 not in (None, mapping.used["weights_sha256"]):
        notice(f"the weights {mapping.used['model']} are not those of the run that is retried")
    return mapping


def _by_clip(settings: DensitySettings, options: WorkOptions, notice: Callable[[str], object]) -> Mapping:
    from cliphaze_cli.batch.loading import nothing_used
    from cliphaze_cli.prior.clip_model import ClipPrior
    from cliphaze_cli.prior.prompt_file import load_prompts
    from cliphaze_cli.prior.prompts import custom_prompts
    from cliphaze_cli.system.allocator import tune_allocator

    tune_allocator()
    prior = ClipPrior.from_cache(settings.clip or DEFAULT_MODEL, device=options.device, verified=options.clip_file)
    prompts: Any = custom_prompts(settings.prompt_hazy, settings.prompt_clear)
    usual = DEFAULT_BUILDER
    if settings.prompts is not None:
        learned = load_prompts(Path(settings.prompts), clip=prior.name)
        prompts, usual = learned.vectors, learned.builder
    choice = choose_builder(prior.builders, prior.name, asked=settings.builder, usual=usual)
    if choice.notice is not None:
        notice(choice.notice)
    used = {
        "device": str(prior.tower.device),
        "clip": prior.name,
        "clip_sha256": prior.sha256,
        "clip_builder": choice.name,
    }
    return Mapping(
        partial(_clip_density, prior, choice.name, prompts), {**nothing_used(None), **used}, npy=settings.npy
    )


def _clip_density(prior: "ClipPrior", builder: str, prompts: Any, pixels: "NDArray[Any]") -> "NDArray[np.float32]":
    return prior.density(pixels, builder=builder, prompts=prompts)


def _by_network(settings: DensitySettings, device: str) -> Mapping:
    from cliphaze_cli.batch.loading import description, load

    weights = None if settings.weights is None else Path(settings.weights)
    dehazer = load(settings.model, weights, device, settings.precision, "auto")
    return Mapping(dehazer.estimate_density, description(dehazer), npy=settings.npy)
