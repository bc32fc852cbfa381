"""Shared by all tests: one thread a process, and small networks with random weights."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cliphaze_cli.network.cliphaze import CLIPHaze

# Before anything imports torch, and inherited by child processes: small tensors are quickest on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before anything imports triton, which otherwise needs a GPU to run a kernel.
os.environ.setdefault("TRITON_INTERPRET", "1")


def small_network(seed: int = 0, **config: object) -> "CLIPHaze":
    """A small network in evaluation mode whose head is random too, so that it changes images."""
    import torch

    from cliphaze_cli.network.cliphaze import CLIPHaze
    from cliphaze_cli.network.config import CLIPHazeConfig

    torch.manual_seed(seed)
    settings = {"width": 8, "blocks": (1, 1, 2, 1, 1), "stem": 2, "window": 4, "embedding_size": 8, **config}
    network = CLIPHaze(CLIPHazeConfig(**settings))  # type: ignore[arg-type]
    torch.nn.init.normal_(network.head.weight, std=0.05)
    return network.eval().requires_grad_(False)


def train_embedding(network: "CLIPHaze") -> None:
    """Give the weights that an untrained network has at zero, those of the embedding, random values."""
    import torch

    from cliphaze_cli.network.cam import CAM

    for module in network.modules():
        if isinstance(module, CAM):
            torch.nn.init.normal_(module.implicit.weight)


@pytest.fixture
def without_rawpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Camera raw files are not read, whatever is installed."""
    monkeypatch.setattr("cliphaze_cli.imaging.formats.raw_is_read", lambda: False)


@pytest.fixture
def without_films(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films are not read, whatever is installed."""
    monkeypatch.setattr("cliphaze_cli.imaging.film_names.films_are_read", lambda: False)


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a small random network; not to be written to."""
    from cliphaze_cli.network import checkpoint

    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    checkpoint.save(small_network(), path, name="random")
    return path
