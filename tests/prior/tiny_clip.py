"""A tiny random CLIP whose text side is planted, and pictures whose haze is known."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cliphaze_cli.hub.open_clip_import import import_open_clip
from cliphaze_cli.prior.clip_model import ClipPrior

NAME = "cliphaze-tiny-test"
SIDE, PATCH, WIDTH = 32, 8, 32
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": SIDE, "patch_size": PATCH, "width": WIDTH, "layers": 3, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def build(seed: int = 0) -> Any:
    """A CLIP model of open_clip, random but the same for the same seed."""
    torch.manual_seed(seed)
    return import_open_clip().CLIP(**CONFIG).eval()


@contextmanager
def known_by_name(folder: Path) -> Iterator[None]:
    """Make open_clip know the tiny model as NAME; `folder` holds its configuration."""
    config = folder / f"{NAME}.json"
    config.write_text(json.dumps(CONFIG))
    open_clip = import_open_clip()
    open_clip.add_model_config(config)
    yield
    open_clip.factory._MODEL_CONFIG_PATHS.remove(config)
    open_clip.factory._MODEL_CONFIGS.pop(NAME)


@contextmanager
def in_cache(folder: Path) -> Iterator[Path]:
    """Put the tiny CLIP, as "NAME:random", into a Hub's cache `folder`; yield its file. The registry that names it is
    `folder`/registry.json."""
    from safetensors.torch import save_file

    from tests.hub.server import COMMIT, Served, clip_record, write_registry

    path = folder / "models--org--clip" / "snapshots" / COMMIT / "open_clip_model.safetensors"
    path.parent.mkdir(parents=True)
    save_file(build(seed=3).state_dict(), path)
    names = {"name": f"{NAME}:random", "open_clip_model": NAME, "open_clip_pretrained": "random"}
    write_registry(folder / "registry.json", clip_record(Served(path.read_bytes()), **names))
    with known_by_name(folder):
        yield path


def without_positions(model: Any) -> Any:
    """Make the vision tower blind to where a patch is, and to mirroring."""
    visual = model.visual
    with torch.no_grad():
        visual.positional_embedding.zero_()
        visual.conv1.weight.copy_((visual.conv1.weight + visual.conv1.weight.flip(3)) / 2)
    return model


def tokenizer(texts: list[str]) -> Tensor:
    return import_open_clip().SimpleTokenizer(context_length=16)(texts)


def foggy(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Bright grey with hardly any contrast, (height, width, 3)."""
    noise = np.random.default_rng(seed).normal(205, 3, (height, width, 1))
    return np.repeat(noise.clip(0, 255).astype(np.uint8), 3, axis=2)


def crisp(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """A dark, colourful texture of four-pixel tiles, (height, width, 3)."""
    tiles = np.random.default_rng(seed).integers(0, 120, (-(-height // 4), -(-width // 4), 3), dtype=np.uint8)
    return tiles.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]


def half_foggy(height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Crisp on the left, foggy on the right."""
    return np.concatenate((crisp(height, width // 2), foggy(height, width - width // 2)), axis=1)


class PlantedTexts:
    """Stands for the text tower: texts about fog get `hazy`, others `clear`, each turned a little by its wording."""

    def __init__(self, hazy: Tensor, clear: Tensor) -> None:
        self.hazy, self.clear = hazy, clear

    def __call__(self, texts: Sequence[str]) -> Tensor:
        words = ("fog", "haz", "smog", "mist", "smoke", "murky")
        vectors = []
        for text in texts:
            wording = torch.randn(self.hazy.shape, generator=torch.Generator().manual_seed(sum(map(ord, text))))
            base = self.hazy if any(word in text for word in words) else self.clear
            vectors.append(base + 0.02 * wording)
        return torch.stack(vectors)


def in_memory(model: Any) -> ClipPrior:
    """CLIP with an open_clip model that is in memory already; nothing is cached."""
    open_clip = import_open_clip()

    def encode(texts: Sequence[str]) -> Tensor:
        with torch.inference_mode():
            return model.encode_text(tokenizer(list(texts)))

    mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    return ClipPrior(model.visual, encode, name="CLIP", mean=mean, std=std)


def planted_prior(model: Any = None, *, kind: str = "windows") -> ClipPrior:
    """A prior whose hazy and clear texts are what `kind` of embedding sees in a foggy and in a crisp picture."""
    model = model if model is not None else build()
    prior = in_memory(model)
    with torch.inference_mode():
        seen = []
        for pixels in (foggy(SIDE, SIDE, 5), crisp(SIDE, SIDE, 6)):
            image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
            if kind == "windows":
                embedding = prior.tower.embed(image)[0]
            else:
                embedding = prior.tower.tokens(image, kind).mean(dim=(0, 1, 2))
            seen.append(nn.functional.normalize(embedding, dim=-1))
        mean = (seen[0] + seen[1]) / 2  # what both share says nothing about haze
    return ClipPrior(
        model.visual,
        PlantedTexts(seen[0] - mean, seen[1] - mean),
        name="tiny-clip",
        mean=prior.tower.mean.tolist(),
        std=prior.tower.std.tolist(),
    )
