"""Text embeddings of the default prompts, kept beside the weights so that the text tower is loaded only once."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.errors import ImageError

if TYPE_CHECKING:
    from cliphaze_cli.prior.scoring import PromptEmbeddings

PATTERN = "prompts-*.safetensors"  # of the names of these files
_LAYOUT = "1"  # raise it when what is stored, or how texts are embedded, changes


def cache_path(folder: Path, model: str, checkpoint: str, digest: str) -> Path:
    """Return the file for one checkpoint (its sha256 or another fingerprint) and one set of prompts."""
    key = hashlib.sha256("\n".join((_LAYOUT, model, checkpoint, digest)).encode()).hexdigest()
    return folder / f"prompts-{key[:24]}.safetensors"


def load_embeddings(path: Path) -> "PromptEmbeddings | None":
    """Return what `store_embeddings` wrote, or None when it is not there or damaged."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    from cliphaze_cli.prior.scoring import PromptEmbeddings

    try:
        tensors = load(path.read_bytes())
    except (OSError, SafetensorError):
        return None
    hazy, clear = tensors.get("hazy"), tensors.get("clear")
    if hazy is None or clear is None or hazy.ndim != 2 or clear.ndim != 2 or hazy.shape[1] != clear.shape[1]:
        return None
    # No digest is known of this file; but what it holds has unit length, and anything not finite has not.
    for vectors in (hazy, clear):
        if vectors.dtype != torch.float32 or not ((vectors.norm(dim=1) - 1).abs() < 1e-3).all():
            return None
    return PromptEmbeddings(hazy, clear)


def store_embeddings(path: Path, embeddings: "PromptEmbeddings") -> bool:
    """Write `embeddings` to `path`, whole or not at all. Returns False where the folder cannot be written to."""
    from safetensors.torch import save

    body = save({"hazy": embeddings.hazy.contiguous(), "clear": embeddings.clear.contiguous()})
    try:
        with atomic_file(path) as sink:
            sink.write(body)
    except ImageError:
        return False
    return True
