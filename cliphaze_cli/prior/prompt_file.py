"""Prompts that were learned instead of written: two vectors in CLIP's embedding space, in a safetensors file.

`training.prompts` makes such files; `density --prompts FILE` uses them. Metadata, all strings: "format" = FORMAT;
"clip" the model and tag that they belong to; "builder" the kind of map that they were learned for.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.prior.builders import BUILDERS
from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.errors import WeightsError
from cliphaze_cli.system.small_file import read_small_file

if TYPE_CHECKING:
    from torch import Tensor

    from cliphaze_cli.prior.scoring import PromptEmbeddings

FORMAT = "cliphaze-prompts-1"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class LearnedPrompts:
    """The vectors, the CLIP they belong to (open_clip's model and tag), and the builder they were learned for."""

    vectors: "PromptEmbeddings"
    clip: str
    builder: str


def save_prompts(prompts: LearnedPrompts, path: Path) -> None:
    """Write `prompts` to `path`, atomically. Raises ImageError, one line, where the system refuses."""
    from safetensors.torch import save

    tensors = {"hazy": prompts.vectors.hazy.contiguous(), "clear": prompts.vectors.clear.contiguous()}
    with atomic_file(path) as sink:
        sink.write(save(tensors, {"format": FORMAT, "clip": prompts.clip, "builder": prompts.builder}))


def load_prompts(path: Path, *, clip: str) -> LearnedPrompts:
    """Return what `save_prompts` wrote.

    Args:
        clip: the model and tag that will be used with them.

    Raises:
        WeightsError: no such file, not one of learned prompts, or learned for another CLIP.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    from cliphaze_cli.network.tensor_header import HeaderError, read_header
    from cliphaze_cli.prior.scoring import PromptEmbeddings

    try:
        content = read_small_file(path, MAX_BYTES)
        metadata = read_header(io.BytesIO(content)).metadata  # which `load` does not return
        tensors = {name: tensor for name, tensor in load(content).items() if name in ("hazy", "clear")}
    except (OSError, HeaderError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise WeightsError(f"cannot read the prompts {path} ({reason})") from error
    builder = metadata.get("builder")
    if metadata.get("format") != FORMAT or tensors.keys() != {"hazy", "clear"} or builder not in BUILDERS:
        raise WeightsError(f"{path} is not a file of learned prompts: make one with `python -m training.prompts`")
    if metadata.get("clip") != clip:
        raise WeightsError(
            f"the prompts {path} were learned for CLIP {str(metadata.get('clip'))[:100]!a}, not for {clip}: "
            "use them with that one"
        )
    hazy, clear = tensors["hazy"], tensors["clear"]
    sound = hazy.ndim == clear.ndim == 2 and hazy.shape[1] == clear.shape[1]
    if not sound or not all(_is_unit(vectors) and vectors.dtype == torch.float32 for vectors in (hazy, clear)):
        raise WeightsError(f"{path} holds no unit vectors: its prompts are damaged, make them anew")
    return LearnedPrompts(PromptEmbeddings(hazy, clear), clip, builder)


def _is_unit(vectors: "Tensor") -> bool:
    return len(vectors) > 0 and bool(((vectors.float().norm(dim=1) - 1).abs() < 1e-3).all())
