"""CLIP checkpoints by open_clip's names: those that the registry pins, and all others from open_clip's own table.

Of the others neither commit nor digest is known beforehand; they are verified against the sha256 that the Hub reports.
"""

from difflib import get_close_matches

from cliphaze_cli.hub.architecture import usable_config
from cliphaze_cli.hub.registry import WeightsEntry, pinned_clip, split_clip_name
from cliphaze_cli.system.errors import WeightsError

SAFETENSORS = "open_clip_model.safetensors"  # where open_clip's repositories keep them; their pickles are never read


def clip_entry(name: str) -> WeightsEntry:
    """The entry for "MODEL" or "MODEL:PRETRAINED", e.g. "ViT-B-32" or "ViT-B-16:laion2b_s34b_b88k".

    Without a tag: the registry's default for the model, else the first of open_clip's tags that is on the Hub. Imports
    open_clip only for models that the registry does not pin.

    Raises:
        WeightsError: no such model or tag, not on the Hub, or a model that could not be used once it was here; the
            message lists what there is.
    """
    pinned = pinned_clip(name)
    return pinned if pinned is not None else _from_open_clip(name)


def _from_open_clip(name: str) -> WeightsEntry:
    from cliphaze_cli.hub.open_clip_import import import_open_clip

    open_clip = import_open_clip()
    asked_model, asked_tag = split_clip_name(name)
    names = {model.lower(): model for model, _ in open_clip.list_pretrained()}
    model = names.get(asked_model.lower())
    if model is None:
        close = get_close_matches(asked_model.lower(), names, n=4)
        hint = f"; similar: {', '.join(names[each] for each in close)}" if close else ""
        raise WeightsError(f"open_clip has no pretrained model {asked_model!r}{hint}")
    usable_config(open_clip, model)  # before gigabytes are fetched for nothing
    tags = {tag: open_clip.get_pretrained_cfg(model, tag) for tag in open_clip.list_pretrained_tags_by_model(model)}
    on_hub = [tag for tag, config in tags.items() if config.get("hf_hub")]
    tag = asked_tag if asked_tag is not None else next(iter(on_hub), None)
    if tag not in on_hub:
        raise WeightsError(
            f"open_clip's {model} has no checkpoint {tag!r} on the Hub: "
            + (f"there are {', '.join(on_hub)}" if on_hub else "choose another model")
        )
    repo, _, file = tags[tag]["hf_hub"].rpartition("/")
    return WeightsEntry(
        name=f"{model}:{tag}",
        kind="clip",
        repo=repo,
        file=file if file.endswith(".safetensors") else SAFETENSORS,
        licence="see its model card",
        trained_on="see its model card",
        open_clip_model=model,
        open_clip_pretrained=tag,
    )
