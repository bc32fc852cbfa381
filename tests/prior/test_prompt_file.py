import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import normalize

from cliphaze_cli.prior.prompt_file import LearnedPrompts, load_prompts, save_prompts
from cliphaze_cli.prior.scoring import PromptEmbeddings
from cliphaze_cli.system.errors import WeightsError

PROMPTS = LearnedPrompts(
    PromptEmbeddings(hazy=normalize(torch.randn(1, 8)), clear=normalize(torch.randn(1, 8))), "ViT-X:tag", "maskclip"
)


@pytest.fixture
def path(tmp_path):
    save_prompts(PROMPTS, tmp_path / "p.safetensors")
    return tmp_path / "p.safetensors"


def test_what_is_saved_comes_back(path):
    loaded = load_prompts(path, clip="ViT-X:tag")
    assert torch.equal(loaded.vectors.hazy, PROMPTS.vectors.hazy)
    assert torch.equal(loaded.vectors.clear, PROMPTS.vectors.clear)
    assert (loaded.clip, loaded.builder) == ("ViT-X:tag", "maskclip")


def test_another_clip_is_refused_in_one_line(path):
    with pytest.raises(WeightsError, match="learned for CLIP 'ViT-X:tag', not for ViT-L-14:openai") as error:
        load_prompts(path, clip="ViT-L-14:openai")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("tensors", "metadata"),
    [
        ({}, {"format": "other"}),
        ({}, {"builder": "tarot"}),
        ({"hazy": torch.full((1, 8), float("nan"))}, {}),
        ({"hazy": torch.full((1, 8), 7.0)}, {}),
        ({"hazy": normalize(torch.randn(1, 9))}, {}),
        ({"hazy": torch.zeros(0, 8)}, {}),
        ({"hazy": normalize(torch.randn(8), dim=0)}, {}),
    ],
)
def test_what_is_no_pair_of_unit_vectors_is_refused(tmp_path, tensors, metadata):
    path = tmp_path / "p.safetensors"
    good = {"hazy": PROMPTS.vectors.hazy, "clear": PROMPTS.vectors.clear}
    save_file(good | tensors, path, {"format": "cliphaze-prompts-1", "clip": "c", "builder": "surgery"} | metadata)
    with pytest.raises(WeightsError):
        load_prompts(path, clip="c")


def test_files_of_something_else_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="cannot read"):
        load_prompts(tmp_path / "absent", clip="c")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(WeightsError, match="cannot read"):
        load_prompts(tmp_path / "text", clip="c")
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    with pytest.raises(WeightsError, match="more than 1,048,576 bytes"):
        load_prompts(tmp_path / "large", clip="c")
