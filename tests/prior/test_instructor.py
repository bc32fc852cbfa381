"""What CLIP tells a network is settled before the first photo, and what does not fit is refused in one line."""

from types import SimpleNamespace
from typing import Any

import pytest

from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.prior.builders import BUILDERS
from cliphaze_cli.prior.instructor import Instructor, instructor
from cliphaze_cli.system.errors import UsageError

MAP, BOTH = frozenset({"density"}), frozenset({"density", "embedding"})
TAUGHT = ClipTraining("ViT-B-32:openai", "maskclip", 512)


def prior(name: str = "ViT-B-32:openai", size: int = 512, builders: tuple[str, ...] = BUILDERS) -> Any:
    return SimpleNamespace(name=name, embedding_size=size, builders=builders)


def made(*arguments: Any, **options: Any) -> Instructor:
    found = instructor(*arguments, **options)
    assert found is not None
    return found


def test_weights_without_instructions_have_no_instructor():
    assert instructor(prior(), "tiny", frozenset(), None, 512) is None


def test_any_clip_may_give_the_map():
    for name, size in (("ViT-B-32:openai", 512), ("ViT-L-14:openai", 768)):
        found = made(prior(name, size), "tiny", MAP, None, 512)
        assert not found.embeds and found.builder == "surgery" and found.notices == ()


def test_the_clip_of_the_training_gives_map_and_embedding_as_it_taught():
    found = made(prior(), "tiny", BOTH, TAUGHT, 512)
    assert found.embeds and found.builder == "maskclip"
    assert made(prior(), "tiny", BOTH, TAUGHT, 512, builder="windows").builder == "windows"


@pytest.mark.parametrize("size", [512, 768])
def test_the_embedding_of_another_clip_is_refused_whatever_its_width(size):
    with pytest.raises(UsageError, match=r"take the embedding of CLIP ViT-B-32:openai.*use --clip") as error:
        instructor(prior("ViT-L-14:openai", size), "tiny", BOTH, TAUGHT, 512)
    assert "\n" not in str(error.value)


def test_an_embedding_of_another_width_is_refused_where_no_clip_is_known():
    with pytest.raises(UsageError, match="an embedding of 512 numbers, but CLIP ViT-L-14:openai gives 768"):
        instructor(prior("ViT-L-14:openai", 768), "tiny", BOTH, None, 512)
    assert made(prior(), "tiny", BOTH, None, 512).embeds


def test_a_tower_without_patch_tokens_falls_back_and_says_so_once():
    found = made(prior("RN50:openai", 1024, ("windows",)), "tiny", MAP, None, 512)
    assert found.builder == "windows" and len(found.notices) == 1
