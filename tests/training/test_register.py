"""Embedding a checkpoint: the file, its digest and its scores arrive together."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.hub import resolve_weights
from tests.training.scenes import hazy, landscape
from training.register import register


@pytest.fixture
def data(tmp_path):
    """A set of one pair."""
    clear = landscape(64, 80)
    for name, image in (("clear", clear), ("hazy", hazy(clear, 1.0))):
        folder = tmp_path / "data" / "pairs" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.round(255 * image).astype(np.uint8)).save(folder / "1.png")
    return tmp_path / "data"


def test_a_registered_checkpoint_is_found_by_its_name(random_weights, data, tmp_path, monkeypatch, capsys):
    registry = tmp_path / "weights" / "registry.json"
    registry.parent.mkdir()
    entry = {"name": "random", "kind": "cliphaze", "file": "random.safetensors", "embedded": True, "licence": "MIT"}
    registry.write_text(json.dumps({"format": 1, "weights": [entry]}))
    monkeypatch.setenv("CLIPHAZE_REGISTRY", str(registry))

    register(random_weights, data)

    assert resolve_weights("random").read_bytes() == random_weights.read_bytes()
    [found] = json.loads(registry.read_text())["weights"]
    assert found["licence"] == "MIT" and found["size"] == random_weights.stat().st_size
    assert found["sha256"] == hashlib.sha256(random_weights.read_bytes()).hexdigest()
    assert found["scores"]["pairs"]["images"] == 1 and found["scores"]["pairs"]["psnr_in"] > 5
    assert "| pairs | 1 |" in capsys.readouterr().out
