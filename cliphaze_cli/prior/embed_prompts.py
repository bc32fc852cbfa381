"""The default prompts embedded beforehand, where CLIP's weights have just been downloaded."""

from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.prior import text_cache
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.prior.prompts import default_prompts
from cliphaze_cli.system.errors import WeightsError

if TYPE_CHECKING:
    from cliphaze_cli.hub.registry import WeightsEntry


def embed_default_prompts(entry: "WeightsEntry", path: Path, digest: str | None) -> None:
    """Embed the default prompts once, beside the weights, so that nobody who looks at photos loads the text tower.

    Where that was done before, or the file is none that could be used, nothing heavy is imported.

    Args:
        entry: of the CLIP model.
        path: its weights' file, downloaded and verified.
        digest: what it was verified to have, None where nothing was known.

    Raises:
        WeightsError: see `ClipPrior.from_file`.
    """
    from safetensors import SafetensorError, safe_open

    if digest is not None:
        stored = text_cache.cache_path(path.parent, entry.name, digest, default_prompts().digest)
        if stored.is_file():
            return
    try:
        safe_open(path, framework="np")
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable .safetensors file ({error})") from error
    prior = ClipPrior.from_file(
        path,
        entry.open_clip_model or entry.name,
        pretrained=entry.open_clip_pretrained,
        name=entry.name,
        fingerprint=digest,
    )
    prior.prompt_embeddings()
