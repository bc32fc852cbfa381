import pytest

from cliphaze_cli.prior.builders import BUILDERS, DEFAULT_BUILDER, choose_builder
from cliphaze_cli.system.errors import UsageError


def test_a_model_that_can_do_everything_does_what_is_asked_or_usual():
    assert choose_builder(BUILDERS, "X").name == DEFAULT_BUILDER
    for builder in BUILDERS:
        assert choose_builder(BUILDERS, "X", asked=builder).name == builder
        assert choose_builder(BUILDERS, "X", usual=builder).name == builder
        assert choose_builder(BUILDERS, "X", usual=builder).notice is None


def test_without_patch_tokens_windows_stand_in_and_it_is_said_in_one_line():
    choice = choose_builder(("windows",), "RN50:openai", usual="maskclip")
    assert choice.name == "windows"
    assert choice.notice is not None and "RN50:openai" in choice.notice and "maskclip" in choice.notice
    assert "\n" not in choice.notice
    assert choose_builder(("windows",), "RN50", usual="windows").notice is None


def test_what_was_asked_for_and_cannot_be_is_refused():
    with pytest.raises(UsageError, match="CLIP RN50 has no patch tokens for the surgery map"):
        choose_builder(("windows",), "RN50", asked="surgery")
    with pytest.raises(UsageError, match="known are"):
        choose_builder(BUILDERS, "X", asked="dense")
