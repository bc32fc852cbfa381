"""What CLIP said of a pack's photos: the embedding of each clean photo, and its maps of some hazed versions.

The embedding of the clean photo is the paper's "high-quality image embedding without degradation information"; taken
beforehand, it leaves no CLIP in the training loop. Hazed versions are not stored: haze is a function of its seed
and mix (`hazed.whole_haze`), and its mean transmission, noted when CLIP saw it, tells whether it still is the same.

Shapes: n photos, E embedding size, v versions of each, (gh, gw) cells of a photo's maps.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.restoration.pixels import tensor_as_rows
from training.haze import Haze
from training.hazed import whole_haze
from training.recipe import HazeMix

SAME_HAZE = 1e-3  # largest difference of mean transmission between then and now


@dataclass(frozen=True, eq=False)
class PackedPhoto:
    """A photo (H, W, 3) uint8, its pop-up depths (draws, h, w) uint8, and whether it shows a place."""

    pixels: NDArray[np.uint8]
    depths: NDArray[np.uint8]
    place: bool

    def haze(self, seed: int, mix: HazeMix) -> Haze:
        """A hazed version, one sample of the photo's size; the seed also chooses the depth."""
        return whole_haze(self.pixels, self.depths[seed % len(self.depths)], seed, mix, place=self.place)


@dataclass(frozen=True, eq=False)
class ClipPack:
    """The part of a pack that CLIP made.

    `embeddings` (n, E) float32, unit length; `maps` of each photo, (v, gh, gw) uint8; `seeds` (n, v) of the hazes and
    `transmissions` (n, v), their means; `mix` of the hazes.
    """

    taught_by: ClipTraining
    embeddings: NDArray[np.float32]
    maps: Sequence[NDArray[np.uint8]]
    seeds: NDArray[np.int64]
    transmissions: NDArray[np.float32]
    mix: HazeMix

    def hazed(self, index: int, version: int, photo: PackedPhoto) -> tuple[Haze, Tensor]:
        """A version that CLIP has seen, and its map of it, (1, 1, gh, gw) in [0, 1].

        Raises:
            ValueError: the haze of that seed is another by now: the code has changed since the pack was made.
        """
        haze = photo.haze(int(self.seeds[index, version]), self.mix)
        if abs(float(haze.transmission.mean()) - float(self.transmissions[index, version])) > SAME_HAZE:
            raise ValueError("CLIP's maps in this pack are of haze as it was synthesised then: prepare the pack anew")
        return haze, torch.from_numpy(self.maps[index][version]).float()[None, None] / 255

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As a pack's file holds them; `from_arrays` is the inverse."""
        return {
            "clip": np.array(json.dumps({"taught_by": asdict(self.taught_by), "mix": asdict(self.mix)})),
            "clip_embeddings": self.embeddings,
            "clip_maps": np.concatenate([maps.reshape(len(maps), -1) for maps in self.maps], axis=1),
            "clip_grids": np.array([maps.shape[1:] for maps in self.maps]),
            "clip_seeds": self.seeds,
            "clip_transmissions": self.transmissions,
        }

    @classmethod
    def from_arrays(cls, pack: Mapping[str, NDArray[Any]]) -> "ClipPack | None":
        """Return what CLIP said, or None where the pack was made without it."""
        if "clip" not in pack:
            return None
        about = json.loads(str(pack["clip"]))
        grids = pack["clip_grids"]
        ends = np.cumsum(grids.prod(1))
        parts = np.split(pack["clip_maps"], ends[:-1], axis=1)
        return cls(
            ClipTraining(**about["taught_by"]),
            pack["clip_embeddings"],
            [part.reshape(-1, *grid) for part, grid in zip(parts, grids, strict=True)],
            pack["clip_seeds"],
            pack["clip_transmissions"],
            HazeMix(**about["mix"]),
        )


def ask_clip(
    prior: ClipPrior, photos: Sequence[PackedPhoto], *, builder: str, versions: int, seed: int, mix: HazeMix
) -> ClipPack:
    """Have CLIP look at every photo and at `versions` hazed ones of each."""
    embeddings, maps, transmissions = [], [], []
    seeds = np.arange(len(photos) * versions, dtype=np.int64).reshape(len(photos), versions) + seed
    for photo, of_photo in zip(photos, seeds, strict=True):
        embeddings.append(prior.embedding(photo.pixels))
        seen = [photo.haze(int(one), mix) for one in of_photo]
        hazy = [tensor_as_rows(haze.hazy, photo.pixels.dtype) for haze in seen]
        maps.append(
            np.stack([np.round(255 * prior.density(pixels, builder=builder)).astype(np.uint8) for pixels in hazy])
        )
        transmissions.append([float(haze.transmission.mean()) for haze in seen])
    taught_by = ClipTraining(prior.name, builder, prior.embedding_size)
    means = np.array(transmissions, np.float32)
    return ClipPack(taught_by, np.stack(embeddings).astype(np.float32), maps, seeds, means, mix)


def instructing_embeddings(
    clip: ClipPack, indices: Sequence[int], rng: np.random.Generator, *, present: float, of_another: float, noise: float
) -> Tensor:
    """(len(indices), E): noisy embeddings of these photos; some are of another photo, and absent ones are zeros.

    Args:
        present: share of samples with one. of_another: share of these that are some other photo's.
        noise: length, at most, of what is added to a vector of length one.
    """
    chosen = np.array(indices)
    wrong = rng.random(len(chosen)) < of_another
    chosen[wrong] = rng.integers(len(clip.embeddings), size=int(wrong.sum()))
    vectors = clip.embeddings[chosen]
    disturbance = rng.standard_normal(vectors.shape) / vectors.shape[1] ** 0.5
    vectors = vectors + rng.uniform(0, noise, (len(chosen), 1)) * disturbance
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    vectors[rng.random(len(chosen)) >= present] = 0
    return torch.from_numpy(vectors.astype(np.float32))
