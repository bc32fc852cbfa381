"""CLIP's ears: the embeddings of prompts, from the cache beside the weights where they are the default ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.prior import text_cache
from cliphaze_cli.prior.prompts import Prompts, default_prompts

if TYPE_CHECKING:
    from torch import Tensor

    from cliphaze_cli.prior.scoring import PromptEmbeddings


class TextSide:
    """Embeds each set of prompts once."""

    def __init__(
        self,
        encode_texts: "Callable[[Sequence[str]], Tensor]",
        model: str,
        cache: tuple[Path, str] | None = None,
    ) -> None:
        """encode_texts: texts to (N, E) embeddings of any length. cache: folder and fingerprint of the checkpoint of
        `model`."""
        self._encode_texts, self._model, self._cache = encode_texts, model, cache
        self._embedded: dict[str, PromptEmbeddings] = {}

    def embeddings(self, prompts: Prompts | None = None) -> "PromptEmbeddings":
        """Return the unit embeddings of `prompts`, of the default ones without."""
        wanted = prompts or default_prompts()
        if wanted.digest not in self._embedded:
            path = None
            if self._cache is not None and wanted == default_prompts():
                folder, fingerprint = self._cache
                path = text_cache.cache_path(folder, self._model, fingerprint, wanted.digest)
            stored = text_cache.load_embeddings(path) if path is not None else None
            self._embedded[wanted.digest] = stored or self._embed(wanted)
            if path is not None and stored is None:
                text_cache.store_embeddings(path, self._embedded[wanted.digest])
        return self._embedded[wanted.digest]

    def _embed(self, prompts: Prompts) -> "PromptEmbeddings":
        from torch.nn import functional as F

        from cliphaze_cli.prior.scoring import PromptEmbeddings

        vectors = F.normalize(self._encode_texts([*prompts.hazy, *prompts.clear]).float(), dim=-1).cpu()
        return PromptEmbeddings(vectors[: len(prompts.hazy)].clone(), vectors[len(prompts.hazy) :].clone())
