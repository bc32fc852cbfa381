"""The library's front door: `Dehazer.from_pretrained("tiny")(image)`."""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.conversion import from_pixels, opened, to_pixels
from cliphaze_cli.hub import resolve_weights
from cliphaze_cli.hub.registry import find
from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.checkpoint import Checkpoint
from cliphaze_cli.network.finite import ActivationWatch
from cliphaze_cli.network.resolution import parse_resolution
from cliphaze_cli.prior.instructor import Instructor, instructor
from cliphaze_cli.restoration.apply import dehaze_pixels
from cliphaze_cli.restoration.pixels import rows_as_tensor, shrink, working_size
from cliphaze_cli.system.allocator import tune_allocator
from cliphaze_cli.system.devices import autocast, resolve_device, resolve_precision
from cliphaze_cli.system.errors import CliphazeError

if TYPE_CHECKING:
    from cliphaze_cli.prior.clip_model import ClipPrior

MAX_BATCH_PIXELS = 1 << 20  # at working resolution, of a batch's images that go through the network at a time


@dataclass(frozen=True, eq=False)
class Dehazed:
    """A dehazed image and what was estimated on the way.

    Attributes:
        image: of the kind, shape and type that was given.
        density: haze density, (h, w) float32 in [0, 1]; a tensor where the image is one, else an array.
        density_source: "clip", "model" (the network's own estimate, not CLIP), or "given".
        K, B: affine maps at working resolution, float32: J = K*I - B + I, but for noise (`restoration/wiener.py`).
            Arrays (h, w, 3), or tensors (3, h, w) where the image is one.
    """

    image: Any
    density: Any
    density_source: str
    K: Any
    B: Any


class Dehazer:
    """A network ready to dehaze, on one device."""

    def __init__(
        self,
        loaded: Checkpoint,
        *,
        device: str | torch.device | None = "auto",
        precision: str = "auto",
        resolution: int | str = "auto",
        prior: "ClipPrior | None" = None,
    ) -> None:
        """Wrap a loaded checkpoint; `from_pretrained` is the usual way.

        Args:
            device: "auto", "cpu", "cuda", "cuda:N" or "mps".
            precision: "auto", "fp32", "bf16" or "fp16".
            resolution: long side at which the network runs, "auto" for the default, "full" for the image's own size.
            prior: CLIP, which instructs the network (see `instruct`); None runs without.

        Raises:
            UsageError: an option that makes no sense on this machine, or a CLIP that does not fit the weights.
        """
        tune_allocator()
        self.device = resolve_device(device)
        self.precision = resolve_precision(precision, self.device)
        self.long_side = parse_resolution(resolution)
        self.weights_name, self.weights_sha256 = loaded.name, loaded.sha256
        self.instructions, self.taught_by = loaded.instructions, loaded.clip
        self.network = loaded.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._watch = ActivationWatch(self.network)
        self.instructor: Instructor | None = None
        if prior is not None:
            self.instruct(prior)

    def instruct(self, prior: "ClipPrior", *, builder: str | None = None) -> None:
        """From now on let `prior` instruct the network by its density map, and by its embedding where the weights were
        trained with that. Weights that know no instruction stay without: `instructor` is None then.

        Args:
            builder: of the maps; default: that of the weights' training, or else the usual one.

        Raises:
            UsageError: the weights take the embedding of another CLIP, or this one cannot build such a map.
        """
        size = self.network.config.embedding_size
        self.instructor = instructor(prior, self.weights_name, self.instructions, self.taught_by, size, builder=builder)

    @property
    def prior(self) -> "ClipPrior | None":
        """The CLIP that instructs the network, None where none does."""
        return None if self.instructor is None else self.instructor.prior

    @classmethod
    def from_pretrained(
        cls,
        name: str = "tiny",
        *,
        weights: Path | str | None = None,
        device: str | torch.device | None = "auto",
        precision: str = "auto",
        resolution: int | str = "auto",
        prior: "ClipPrior | None" = None,
    ) -> "Dehazer":
        """Load weights by their name in the registry, or from a file.

        Raises:
            WeightsError: the weights are not on this machine, or not usable; the message says what to do.
            UsageError: see `__init__`.
        """
        if weights is not None:
            loaded = checkpoint.load(Path(weights))
        else:
            entry = find(name)
            loaded = checkpoint.load(resolve_weights(entry), sha256=entry.sha256)
        return cls(loaded, device=device, precision=precision, resolution=resolution, prior=prior)

    def __call__(self, image: Any, *, strength: float = 1.0, return_maps: bool = False) -> Any:
        """Dehaze one image.

        Args:
            image: a PIL image; a numpy array (H, W), (H, W, 3) or (H, W, 4), uint8, uint16 or float in [0, 1]; a
                torch tensor (3, H, W) or (B, 3, H, W), uint8 or float in [0, 1]; the path of a photo, which comes
                back as an upright PIL image; or a list of any of these.
            strength: 0 leaves the image as it is, 1 dehazes fully.
            return_maps: return a `Dehazed` (a list of them for a batch or a list) instead of the image alone.

        Returns:
            The same kind of image: same type, shape, dtype and device; a list for a list.

        Raises:
            TypeError, ValueError: not an image, or a strength outside 0..1.
        """
        if isinstance(image, list | tuple):
            return [self(one, strength=strength, return_maps=return_maps) for one in image]
        if isinstance(image, str | PathLike):
            image = opened(image)
        if isinstance(image, Tensor) and image.dim() == 4:
            if len(image) == 0:
                if image.shape[1] != 3:
                    raise ValueError(f"a torch image must be (3, H, W) or (B, 3, H, W), not {tuple(image.shape)}")
                return [] if return_maps else image.detach().clone()
            results = self._dehaze_like(list(image), strength)
            return results if return_maps else torch.stack([result.image for result in results])
        (result,) = self._dehaze_like([image], strength)
        return result if return_maps else result.image

    def dehaze(self, pixels: NDArray, *, strength: float = 1.0, density: NDArray | None = None) -> Dehazed:
        """Dehaze a pixel array.

        Args:
            pixels: (H, W, 3) uint8, uint16 or float32 (in [0, 1]), RGB.
            strength: 0..1.
            density: a haze-density map (h, w) in [0, 1] to instruct the network with, instead of the prior's.

        Returns:
            `Dehazed` whose image is an array of the same shape and dtype.

        Raises:
            ValueError: a strength outside 0..1.
        """
        (result,) = self.dehaze_batch([pixels], strength=strength, density=density)
        return result

    def dehaze_batch(
        self, photos: list[NDArray], *, strength: float = 1.0, density: NDArray | None = None
    ) -> list[Dehazed]:
        """Dehaze pixel arrays of one size, which go through the network together, as many at a time as it may take.

        Arguments, results and errors are those of `dehaze`; a density map is for all.
        """
        _check_strength(strength)
        height, width = self._working_size(photos[0])
        together = max(1, MAX_BATCH_PIXELS // (height * width))
        results: list[Dehazed] = []
        for first in range(0, len(photos), together):
            results += self._dehaze_chunk(photos[first : first + together], strength, density)
        return results

    def apply(self, pixels: NDArray, K: NDArray, B: NDArray, *, strength: float = 1.0) -> NDArray:
        """Dehaze a pixel array by maps that `dehaze` has estimated of it: at another strength, without the network.

        Args:
            pixels: as for `dehaze`. K, B: (h, w, 3), of its result. strength: 0..1.

        Returns:
            The image that `dehaze` makes at that strength.

        Raises:
            ValueError: a strength outside 0..1.
        """
        _check_strength(strength)
        working = rows_as_tensor(shrink(pixels, *self._working_size(pixels)), self.device)
        K_map, B_map = (torch.from_numpy(x).to(self.device).permute(2, 0, 1)[None] for x in (K, B))
        return dehaze_pixels(pixels, working, K_map, B_map, strength)

    def estimate_maps(self, pixels: NDArray) -> tuple[Tensor, Tensor, Tensor]:
        """The image at working resolution, in [0, 1], and its maps K and B, each (1, 3, h, w) float32 on the device."""
        densities, embeddings = self._instructions([pixels])
        return self._estimate_maps([pixels], densities, embeddings)

    def estimate_density(self, pixels: NDArray) -> NDArray[np.float32]:
        """The network's own haze density of an (H, W, 3) array, (h, w) at working resolution; not CLIP's."""
        _, K, _ = self._estimate_maps([pixels], None, None)
        return model_density(K)

    def _dehaze_like(self, images: list[Any], strength: float) -> list[Dehazed]:
        """Images of one size, and what comes back is of their kind."""
        results = self.dehaze_batch([to_pixels(image) for image in images], strength=strength)
        return [_like(result, image) for result, image in zip(results, images, strict=True)]

    def _dehaze_chunk(self, photos: list[NDArray], strength: float, density: NDArray | None) -> list[Dehazed]:
        source, densities, embeddings = "model", None, None
        if density is not None:
            source, densities = "given", [density] * len(photos)
        elif self.instructor is not None:
            source, (densities, embeddings) = "clip", self._instructions(photos)
        working, K, B = self._estimate_maps(photos, densities, embeddings)
        results = []
        for number, pixels in enumerate(photos):
            one = slice(number, number + 1)
            image = dehaze_pixels(pixels, working[one], K[one], B[one], strength)
            shown = model_density(K[one]) if densities is None else densities[number]
            results.append(Dehazed(image, shown, source, *(x[one][0].permute(1, 2, 0).cpu().numpy() for x in (K, B))))
        return results

    def _instructions(self, photos: list[NDArray]) -> tuple[list[NDArray] | None, list[NDArray] | None]:
        """CLIP's densities and embeddings, None where the network takes none."""
        if self.instructor is None:
            return None, None
        densities = [self.instructor.density(pixels) for pixels in photos]
        embeds = self.instructor.embeds
        return densities, [self.instructor.prior.embedding(pixels) for pixels in photos] if embeds else None

    @torch.inference_mode()
    def _estimate_maps(
        self, photos: list[NDArray], densities: list[NDArray] | None, embeddings: list[NDArray] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The images at working resolution, K and B, each (B, 3, h, w) float32."""
        height, width = self._working_size(photos[0])
        working = torch.cat([rows_as_tensor(shrink(pixels, height, width), self.device) for pixels in photos])
        density, embedding = (
            None if given is None else torch.from_numpy(np.stack(given)).to(self.device, torch.float32)
            for given in (densities, embeddings)
        )
        # Float32 is the second try where it is not the first.
        for dtype in dict.fromkeys((self.precision, torch.float32)):
            with autocast(self.device, dtype), self._watch.watching() as finite:
                K, B = self.network(
                    working.contiguous(memory_format=torch.channels_last),
                    None if density is None else density[:, None],
                    embedding,
                )
            if finite() and K.isfinite().all() and B.isfinite().all():
                return working, K.float(), B.float()
        raise CliphazeError("the network produced values that are not finite; the weights may be damaged")

    def _working_size(self, pixels: NDArray) -> tuple[int, int]:
        height, width = pixels.shape[:2]
        return working_size(height, width, self.long_side)


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie between 0 (nothing) and 1 (all haze), not {strength}")


def _like(result: Dehazed, image: Any) -> Dehazed:
    """A result of pixel arrays as one of the kind of `image`."""
    result = replace(result, image=from_pixels(result.image, like=image))
    if not isinstance(image, Tensor):
        return result
    density, K, B = (torch.from_numpy(x).to(image.device) for x in (result.density, result.K, result.B))
    return replace(result, density=density, K=K.permute(2, 0, 1), B=B.permute(2, 0, 1))


def model_density(K: Tensor) -> NDArray[np.float32]:
    """The network's estimate of the haze density, 1 - t = 1 - 1/(1 + mean K): (1, 3, h, w) -> (h, w) in [0, 1]."""
    density: NDArray[np.float32] = (1 - 1 / (1 + K.mean(1)[0].clamp_min(0))).cpu().numpy()
    return density
