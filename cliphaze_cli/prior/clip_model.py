"""CLIP behind one door.

The vision tower is kept; the text tower is loaded for prompts that are not cached, and dropped again.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.hub.open_clip_import import import_open_clip
from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.prior.builders import BUILDERS, WINDOWS, BuilderChoice, choose_builder
from cliphaze_cli.prior.prompts import Prompts
from cliphaze_cli.prior.text_side import TextSide
from cliphaze_cli.system.errors import CliphazeError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cliphaze_cli.hub import VerifiedFile
    from cliphaze_cli.prior.density_map import DenseOptions, WindowOptions
    from cliphaze_cli.prior.scoring import PromptEmbeddings
    from cliphaze_cli.prior.towers import Recipe


def clip_available(model: str = DEFAULT_MODEL, *, cache_dir: Path | None = None) -> bool:
    """Whether the weights of `model` are on this machine. Imports neither torch nor open_clip for registered models."""
    from cliphaze_cli.hub import clip_entry, find_cached

    return find_cached(clip_entry(model), cache_dir) is not None


class ClipPrior:
    """What CLIP knows about haze in a photo. Use `from_cache` or `from_file`.

    Attributes:
        name: what to call it to people, e.g. "ViT-B-32:openai".
        sha256: of the weights' file, where it is known.
        tower: the vision tower.
    """

    def __init__(
        self,
        visual: "nn.Module",
        encode_texts: "Callable[[Sequence[str]], Tensor]",
        *,
        name: str,
        mean: Sequence[float],
        std: Sequence[float],
        device: "str | torch.device" = "cpu",
        text_cache: "tuple[Path, str] | None" = None,
        sha256: str | None = None,
    ) -> None:
        """visual: the vision tower. mean, std: of its normalisation. encode_texts, text_cache: see `TextSide`."""
        from cliphaze_cli.prior.vision_tower import VisionTower
        from cliphaze_cli.system.devices import resolve_device

        self.name, self.sha256 = name, sha256
        self.tower = VisionTower(visual, mean, std, resolve_device(str(device)))
        self._texts = TextSide(encode_texts, name, text_cache)

    @classmethod
    def from_cache(
        cls,
        model: str = DEFAULT_MODEL,
        *,
        device: "str | torch.device" = "cpu",
        cache_dir: Path | None = None,
        verified: "VerifiedFile | None" = None,
    ) -> "ClipPrior":
        """Load a model that `cliphaze download-weights` put on this machine; no network.

        Args:
            model: an open_clip name, "ViT-B-32", with or without a checkpoint's tag, "ViT-B-32:openai".
            device: as `cliphaze_cli.system.devices.resolve_device` takes it; "auto" too.
            cache_dir: the Hub's cache, if not the usual one.
            verified: its file, where this run has hashed it before; it is hashed again only if it has changed since.

        Raises:
            UsageError: a device that is not there.
            WeightsError: unknown name, not on this machine (the message says what to run), or damaged.
        """
        from cliphaze_cli.hub import clip_entry, verified_file

        entry = clip_entry(model)
        if verified is None or not verified.is_unchanged():
            verified = verified_file(entry, cache_dir)
        return cls.from_file(
            verified.path,
            entry.open_clip_model or model,
            pretrained=entry.open_clip_pretrained,
            name=entry.name,
            device=device,
            fingerprint=verified.digest,
        )

    @classmethod
    def from_file(
        cls,
        path: Path,
        model: str = DEFAULT_MODEL,
        *,
        pretrained: str | None = None,
        name: str | None = None,
        device: "str | torch.device" = "cpu",
        fingerprint: str | None = None,
    ) -> "ClipPrior":
        """Load a .safetensors checkpoint of open_clip's `model`; every tensor must fit.

        Args:
            pretrained: open_clip's tag of the checkpoint: it decides the activation (QuickGELU) and normalisation.
            fingerprint: what identifies the content for the cache of text embeddings; default: size and time.

        Raises:
            WeightsError: the file is missing, damaged, or of another model; or open_clip has no such model.
        """
        from cliphaze_cli.prior import towers

        open_clip = import_open_clip()
        recipe = towers.recipe(open_clip, model, pretrained)
        visual = towers.load_vision_tower(open_clip, recipe, path)
        status = path.stat()
        return cls(
            visual,
            partial(_encode_texts_of_file, recipe, path),
            name=name or (f"{model}:{pretrained}" if pretrained else model),
            mean=recipe.mean,
            std=recipe.std,
            device=device,
            text_cache=(path.parent, fingerprint or f"{status.st_size}-{status.st_mtime_ns}"),
            sha256=fingerprint,
        )

    @property
    def builders(self) -> tuple[str, ...]:
        """The density builders that this model can do: sliding windows always, the others need its patch tokens."""
        return BUILDERS if self.tower.has_tokens else (WINDOWS,)

    @property
    def embedding_size(self) -> int:
        """E: how many numbers an embedding has."""
        return int(self.prompt_embeddings().hazy.shape[1])

    def choose_builder(self, asked: str | None = None) -> BuilderChoice:
        """The builder for all maps of a run; see `builders.choose_builder`."""
        return choose_builder(self.builders, self.name, asked=asked)

    def density(
        self,
        pixels: "NDArray[np.generic]",
        *,
        builder: str | None = None,
        prompts: "Prompts | PromptEmbeddings | None" = None,
        windows: "WindowOptions | None" = None,
        dense: "DenseOptions | None" = None,
    ) -> "NDArray[np.float32]":
        """Return p(hazy), (h, w) float32 in [0, 1], on a coarse grid over the whole photo.

        Args:
            pixels: (H, W, 3) uint8, uint16, or float32 in [0, 1]; RGB.
            builder: "surgery" or "maskclip" (patch tokens of one pass), or "windows" (sliding windows over a pyramid);
                default: "surgery", or "windows" where the model has no patch tokens.
            prompts: texts, or vectors in their stead (`training.prompts` learns some); default: the ensembles of
                prompts.json.
            windows, dense: options of the one or the other kind of builder.

        Raises:
            ValueError: pixels of another shape or type.
            UsageError: no such builder, or this model has no patch tokens that it could use.
        """
        import torch

        from cliphaze_cli.prior import density_map
        from cliphaze_cli.prior.preprocess import check_pixels

        check_pixels(pixels)
        kind = self.choose_builder(builder).name
        with torch.inference_mode():
            vectors = self.prompt_embeddings(prompts) if prompts is None or isinstance(prompts, Prompts) else prompts
            texts = vectors.to(self.tower.device)
            if kind == WINDOWS:
                density = density_map.from_windows(self.tower, pixels, texts, windows or density_map.WindowOptions())
            else:
                density = density_map.from_tokens(self.tower, pixels, texts, kind, dense or density_map.DenseOptions())
        return _finite(density, self.name).cpu().numpy()

    def embedding(self, pixels: "NDArray[np.generic]") -> "NDArray[np.float32]":
        """Return the photo's embedding with its degradation projected out, (E,) float32 of unit length.

        The photo is seen whole: square windows of its short side, slid along the long one, averaged.
        """
        import torch
        from torch.nn import functional as F

        from cliphaze_cli.prior import density_map
        from cliphaze_cli.prior.embedding import degradation_basis, without_degradation
        from cliphaze_cli.prior.preprocess import check_pixels

        check_pixels(pixels)
        with torch.inference_mode():
            basis = degradation_basis(self.prompt_embeddings().differences()).to(self.tower.device)
            whole = self.tower.embed(density_map.whole_image_windows(pixels, self.tower.image_size)).mean(dim=0)
            return _finite(without_degradation(F.normalize(whole, dim=-1), basis), self.name).cpu().numpy()

    def prompt_embeddings(self, prompts: Prompts | None = None) -> "PromptEmbeddings":
        """Return the unit embeddings of `prompts`; of the default ones from the cache, if they are there."""
        return self._texts.embeddings(prompts)


def _encode_texts_of_file(recipe: "Recipe", path: Path, texts: Sequence[str]) -> "Tensor":
    from cliphaze_cli.prior import towers

    return towers.encode_texts(import_open_clip(), recipe, path, texts)


def _finite(values: "Tensor", name: str) -> "Tensor":
    if not values.isfinite().all():
        raise CliphazeError(f"CLIP {name} produced values that are not finite; its weights may be damaged")
    return values
