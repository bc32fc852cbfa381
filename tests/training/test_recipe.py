"""Recipes are data: overridden by name, and the same after a round trip."""

import json
from dataclasses import replace

import pytest

from cliphaze_cli.network.config import VARIANTS
from training.recipe import HazeMix, Recipe


def test_overrides_change_what_they_name_alone():
    recipe = Recipe("tiny", 100).override(["haze.dense=0.5", "learning_rate=1", "haze.none=0"])
    assert (recipe.haze.dense, recipe.learning_rate, recipe.haze.none) == (0.5, 1.0, 0.0)
    assert recipe.override([f"haze.dense={HazeMix().dense}", f"haze.none={HazeMix().none}"]).haze == HazeMix()


@pytest.mark.parametrize(
    "setting",
    [
        "network.blocks=[1,2]",
        "network.width=wide",
        "haze.fog=1",
        "haze",
        "haze.dense",
        "haze.dense=thick",
        "scenes.large_from=true",
        "haze.dense.x=1",
        "steps=1.5",
    ],
)
def test_a_setting_that_makes_no_sense_is_named(setting):
    with pytest.raises(ValueError, match=setting.split("=")[0]):
        Recipe("tiny", 100).override([setting])


def test_what_changes_at_the_end():
    recipe = Recipe("tiny", 100, at_end=("haze.none=0.5",))
    assert recipe.at(74) == recipe
    assert recipe.at(75).haze == replace(recipe.haze, none=0.5)
    unchanged = recipe.override(["at_end=[]"])
    assert unchanged.at(99) == unchanged


def test_round_trip():
    recipe = Recipe("tiny", 100, seed=3).override(["loss.structure=0.3", "instructed.useless=0.4"])
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_the_network_is_the_variants_unless_changed():
    assert Recipe("small", 1).network == VARIANTS["small"]
    changed = Recipe("small", 1).override(["network.state_size=4", "network.blocks=[1,1,2,1,1]"])
    assert changed.network == replace(VARIANTS["small"], state_size=4, blocks=(1, 1, 2, 1, 1))
    assert Recipe.from_dict(json.loads(json.dumps(changed.to_dict()))) == changed
