"""Models that could not work once they were here are refused by open_clip's configuration alone."""

import pytest
import torch

from cliphaze_cli.hub.architecture import usable_config
from cliphaze_cli.hub.open_clip_import import import_open_clip
from cliphaze_cli.prior import towers
from cliphaze_cli.prior.builders import WINDOWS
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.prior.vision_tower import VisionTower
from cliphaze_cli.system.errors import WeightsError

OPEN_CLIP = import_open_clip()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("ViT-B-16-SigLIP", "its tokenizer is timm/ViT-B-16-SigLIP of the transformers library"),
        ("ViT-H-14-worldwide", "tokenizer is facebook/xlm"),
        ("ViT-L-14-CLIPA", "tokenizer is bert-base-uncased"),
        ("roberta-ViT-B-32", "its text tower is the transformers model roberta-base"),
        ("nllb-clip-base", "text tower"),
        ("coca_ViT-B-32", "captioning"),
        ("ViT-Z-99", "open_clip has no model"),
        ("hf-hub:someone/something", "open_clip has no model"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(model, reason):
    with pytest.raises(WeightsError, match="choose another") as error:
        usable_config(OPEN_CLIP, model)
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_a_tower_that_timm_lacks_is_refused(monkeypatch):
    import timm

    monkeypatch.setattr(timm, "is_model", lambda name: False)
    with pytest.raises(WeightsError, match="timm has no image tower"):
        usable_config(OPEN_CLIP, "MobileCLIP-S1")
    assert usable_config(OPEN_CLIP, "ViT-B-32")["embed_dim"] == 512


@pytest.mark.parametrize("model", ["RN50", "MobileCLIP2-S0", "EVA02-B-16", "convnext_base", "ViT-B-32", "ViT-L-14"])
def test_what_is_let_through_gets_a_builder_that_it_can_do(model):
    recipe = towers.recipe(OPEN_CLIP, model, None)
    with torch.device("meta"):
        visual = towers._build(OPEN_CLIP, recipe).visual
    prior = ClipPrior.__new__(ClipPrior)
    prior.tower, prior.name = VisionTower(visual, (0, 0, 0), (1, 1, 1), torch.device("meta")), model
    assert (prior.choose_builder().name == WINDOWS) == (not model.startswith("ViT-"))


@pytest.mark.slow
def test_every_pretrained_model_is_either_refused_or_can_be_built():
    """With these versions of open_clip and timm; without weights, so that it takes no memory."""
    built = 0
    for model in sorted({name for name, _ in OPEN_CLIP.list_pretrained()}):
        try:
            recipe = towers.recipe(OPEN_CLIP, model, None)
        except WeightsError:
            continue
        assert "hf_tokenizer_name" not in recipe.config["text_cfg"], model
        with torch.device("meta"):
            assert towers._build(OPEN_CLIP, recipe).visual.image_size, model
        built += 1
    assert built > 50


def test_the_configuration_is_a_copy():
    usable_config(OPEN_CLIP, "ViT-B-32")["vision_cfg"]["width"] = 3
    assert usable_config(OPEN_CLIP, "ViT-B-32")["vision_cfg"]["width"] == 768
