"""The command that trains the embedded weights again."""

from pathlib import Path

import pytest
import torch

from cliphaze_cli.hub import resolve_weights
from cliphaze_cli.hub.registry import find
from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.config import VARIANTS, CLIPHazeConfig
from training import embedded, train
from training.recipe import Recipe


def stated_in(metadata: dict) -> Recipe:
    """The recipe that a checkpoint's metadata holds."""
    told = ("trained_steps", "trained_seconds", "started_from")
    return Recipe.from_dict({name: value for name, value in metadata.items() if name not in told})


def test_the_recipes_are_those_of_the_embedded_weights():
    second = checkpoint.load(resolve_weights(find("tiny"))).training
    first = second["started_from"]
    assert stated_in(second) == embedded.SECOND and second["trained_steps"] == embedded.SECOND.steps
    # The first part's metadata is older than trust, which then was 1.
    assert stated_in(first).override(["instructed.trust=1"]) == embedded.FIRST
    assert first["trained_steps"] == embedded.FIRST.steps and "started_from" not in first


def test_both_parts_by_one_command(pack, small_batches, tmp_path, monkeypatch):
    monkeypatch.setitem(VARIANTS, "mini", CLIPHazeConfig(width=8, blocks=(1, 1, 1, 1, 1), stem=4, embedding_size=8))
    first = Recipe("mini", 3).override(["instructed.trust=1"])
    second = Recipe("mini", 2, seed=5, learning_rate=1e-9)
    monkeypatch.setattr(embedded, "FIRST", first)
    monkeypatch.setattr(embedded, "SECOND", second)

    save = train._save_atomically

    def save_the_first_alone(found: dict, path: Path) -> None:
        if path.parent.name == "2":
            raise KeyboardInterrupt
        save(found, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "_save_atomically", save_the_first_alone)
        embedded.main(pack, tmp_path)
    assert not (tmp_path / "weights.safetensors").exists()
    embedded.main(pack, tmp_path)  # goes on
    made = checkpoint.load(tmp_path / "weights.safetensors")
    assert made.training["trained_steps"] == 2 and made.training["seed"] == 5
    assert made.training["started_from"]["trained_steps"] == 3
    before, after = (torch.load(tmp_path / part / "state.pt", weights_only=True) for part in "12")
    torch.testing.assert_close(after["network"], before["ema"], rtol=1e-4, atol=1e-6)
