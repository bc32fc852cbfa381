"""What open_clip's configuration of a model tells before a byte of its weights is fetched: can it work here?"""

from copy import deepcopy
from types import ModuleType
from typing import Any

from cliphaze_cli.system.errors import WeightsError

_ADVICE = "choose another CLIP model, such as ViT-B-32 or ViT-L-14"


def usable_config(open_clip: ModuleType, model: str) -> dict[str, Any]:
    """Return open_clip's configuration of `model`, a copy.

    Raises:
        WeightsError: open_clip has no such model, or it needs what is not here: a text tower or a tokenizer of
            transformers (whose files no digest is known of), a caption decoder, an image tower that timm lacks.
    """
    # list_models first: get_model_config would go to the network for a name like "hf-hub:...".
    if model not in open_clip.list_models():
        raise WeightsError(f"open_clip has no model {model!r}: {_ADVICE}")
    config: dict[str, Any] = deepcopy(open_clip.get_model_config(model))
    if obstacle := _obstacle(config):
        raise WeightsError(f"CLIP {model} cannot be used here, since {obstacle}: {_ADVICE}")
    return config


def _obstacle(config: dict[str, Any]) -> str:
    text, vision = config["text_cfg"], config["vision_cfg"]
    if "multimodal_cfg" in config:
        return "it is a captioning model (CoCa)"
    if "hf_model_name" in text:
        return f"its text tower is the transformers model {text['hf_model_name']}"
    if "hf_tokenizer_name" in text:
        return f"its tokenizer is {text['hf_tokenizer_name']} of the transformers library"
    if "timm_model_name" in vision and not _timm_has(vision["timm_model_name"]):
        return f"the installed timm has no image tower {vision['timm_model_name']}"
    return ""


def _timm_has(name: str) -> bool:
    try:
        import timm  # comes with open_clip
    except ImportError:
        return False
    return bool(timm.is_model(name))
