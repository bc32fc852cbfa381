import json

import pytest

from cliphaze_cli.network.clip_training import ClipTraining

TAUGHT = ClipTraining("ViT-B-32:openai", "surgery", 512)


def test_metadata_carry_it():
    assert ClipTraining.from_json(TAUGHT.to_json()) == TAUGHT


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"name": "x" * 101},
        {"name": 3},
        {"builder": "tarot"},
        {"builder": ["surgery"]},
        {"embedding_size": 0},
        {"embedding_size": 10**9},
        {"embedding_size": True},
        {"embedding_size": "512"},
        {"unknown": 1},
    ],
)
def test_impossible_values_are_refused(values):
    text = json.dumps({**json.loads(TAUGHT.to_json()), **values})
    with pytest.raises(ValueError):
        ClipTraining.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"name": "x"}', "null"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        ClipTraining.from_json(text)
