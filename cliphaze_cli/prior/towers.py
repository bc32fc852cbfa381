"""Build open_clip's models by name, without any network, and fill one tower at a time from a .safetensors file."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from cliphaze_cli.hub.architecture import usable_config
from cliphaze_cli.system.errors import WeightsError

_VISUAL = "visual."  # what the vision tower's tensors begin with


@dataclass(frozen=True)
class Recipe:
    """How to build one model: open_clip's configuration, and what its checkpoint was trained with."""

    model: str
    config: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def is_timm(self) -> bool:
        """Whether the vision tower is timm's."""
        return "timm_model_name" in self.config["vision_cfg"]


def recipe(open_clip: ModuleType, model: str, pretrained: str | None) -> Recipe:
    """Return how to build `model` for the checkpoint with the tag `pretrained`.

    Raises:
        WeightsError: see `architecture.usable_config`.
    """
    config = usable_config(open_clip, model)
    if "timm_model_name" in config["vision_cfg"]:
        config["vision_cfg"]["timm_model_pretrained"] = False
    # One architecture name serves checkpoints of both activations; with the wrong one they load and score badly.
    trained = open_clip.get_pretrained_cfg(model, pretrained) if pretrained else {}
    config["quick_gelu"] = bool(config.get("quick_gelu") or trained.get("quick_gelu"))
    return Recipe(
        model=model,
        config=config,
        mean=tuple(trained.get("mean", open_clip.OPENAI_DATASET_MEAN)),
        std=tuple(trained.get("std", open_clip.OPENAI_DATASET_STD)),
    )


def load_vision_tower(open_clip: ModuleType, recipe: Recipe, path: Path) -> nn.Module:
    """Return the vision tower of `recipe` with the weights of `path`, float32 on the CPU; the rest is not read.

    Float32 weights stay where the mapped file has them: processes that load the same file share its memory.

    Raises:
        WeightsError: see `ClipPrior.from_file`.
    """
    state = _read(path, vision=True)
    if recipe.is_timm:  # may hold tensors that are computed, not stored
        visual = _build(open_clip, recipe).visual
    else:
        with torch.device("meta"):  # no random initialisation: two seconds less
            visual = _build(open_clip, recipe).visual
    _fill(visual, state, recipe, path)
    return visual


def encode_texts(open_clip: ModuleType, recipe: Recipe, path: Path, texts: Sequence[str]) -> Tensor:
    """Return text embeddings (N, E) of any length; the text tower lives only for this call.

    Raises:
        WeightsError: see `ClipPrior.from_file`.
    """
    model = _build(open_clip, recipe)
    del model.visual
    _fill(model, _read(path, vision=False), recipe, path)
    tokenizer = open_clip.get_tokenizer(recipe.model)
    with torch.inference_mode():
        return model.eval().encode_text(tokenizer(list(texts)))


def _build(open_clip: ModuleType, recipe: Recipe) -> Any:
    config = deepcopy(recipe.config)
    custom_text = config.pop("custom_text", False)
    return (open_clip.CustomTextCLIP if custom_text else open_clip.CLIP)(**config)


def _read(path: Path, *, vision: bool) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(_VISUAL) == vision]  # noqa: SIM118 -- not a dict
            tensors = {name.removeprefix(_VISUAL): file.get_tensor(name) for name in names}
    except FileNotFoundError as error:
        raise WeightsError(f"there is no weights file {path}") from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a readable .safetensors file ({error}): download it again") from error
    # Half-precision checkpoints run in float32; counters stay integers.
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _fill(module: nn.Module, state: dict[str, Tensor], recipe: Recipe, path: Path) -> None:
    wanted = module.state_dict()
    missing = wanted.keys() - state.keys()
    unexpected = state.keys() - wanted.keys()
    misshapen = [name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape]
    if missing or unexpected or misshapen:
        example = min([*missing, *unexpected, *misshapen])
        raise WeightsError(
            f"{path} is not a checkpoint of {recipe.model}: {len(missing)} tensors missing, {len(unexpected)} "
            f"unexpected, {len(misshapen)} of another shape (e.g. {example})"
        )
    module.load_state_dict(state, strict=True, assign=True)
