"""Recipes are data: overridden by name, and the same after a round trip."""

import json

import pytest

from training.recipe import HazeMix, Recipe


def test_overrides_change_what_they_name_alone():
    recipe = Recipe("tiny", 100).override(["haze.dense=0.5", "scenes.twins=true", "learning_rate=1", "haze.none=0"])
    assert (recipe.haze.dense, recipe.scenes.twins, recipe.learning_rate, recipe.haze.none) == (0.5, True, 1.0, 0.0)
    assert recipe.override([f"haze.dense={HazeMix().dense}", f"haze.none={HazeMix().none}"]).haze == HazeMix()


@pytest.mark.parametrize(
    "setting",
    ["haze.fog=1", "haze", "haze.dense", "haze.dense=thick", "scenes.twins=1", "haze.dense.x=1", "steps=1.5"],
)
def test_a_setting_that_makes_no_sense_is_named(setting):
    with pytest.raises(ValueError, match=setting.split("=")[0]):
        Recipe("tiny", 100).override([setting])


def test_round_trip():
    recipe = Recipe("tiny", 100, seed=3).override(["loss.structure=0.3", "instructed.useless=0.4"])
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
