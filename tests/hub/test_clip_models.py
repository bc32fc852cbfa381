"""CLIP models by open_clip's names."""

import sys

import pytest

from cliphaze_cli.hub import clip_entry
from cliphaze_cli.system.errors import WeightsError


def test_a_pinned_model_needs_no_open_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    assert clip_entry("ViT-B-32").open_clip_pretrained == "openai"


@pytest.mark.parametrize(
    ("name", "repo", "tag"),
    [
        ("ViT-B-16", "timm/vit_base_patch16_clip_224.openai", "openai"),
        ("vit-b/16:laion2B-s34B-b88K", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "laion2b_s34b_b88k"),
        ("ViT-B-32:laion400m_e32", "timm/vit_base_patch32_clip_224.laion400m_e32", "laion400m_e32"),
    ],
)
def test_others_come_from_open_clips_table(name: str, repo: str, tag: str) -> None:
    entry = clip_entry(name)
    assert (entry.repo, entry.open_clip_pretrained) == (repo, tag)
    assert entry.file == "open_clip_model.safetensors"
    assert entry.sha256 is None  # the Hub's own is checked at the download


def test_unknown_models_and_tags_name_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"'ViT-B-33'; similar: .*ViT-B-32"):
        clip_entry("ViT-B-33")
    with pytest.raises(WeightsError, match=r"no checkpoint 'best'.*laion2b_s34b_b88k"):
        clip_entry("ViT-B-16:best")


@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "coca_ViT-B-32", "roberta-ViT-B-32", "ViT-H-14-worldwide"])
def test_models_that_could_not_work_here_are_refused_before_any_download(name: str) -> None:
    with pytest.raises(WeightsError, match=r"cannot be used here, since .*: choose another CLIP model"):
        clip_entry(name)
