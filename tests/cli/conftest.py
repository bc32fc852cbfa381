"""Weights whose effect is known: every photo becomes twice as bright, K = 1 and B = 0 everywhere; and the command."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cliphaze_cli.cli.app import main
from tests.cli.dehazing import Dehaze
from tests.cli.in_process import InThisProcess
from tests.cli.outcome import Outcome


@pytest.fixture(scope="session")
def doubling_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a small random network whose head answers K = 1, B = 0 to everything."""
    import torch

    from cliphaze_cli.network import checkpoint
    from cliphaze_cli.network.cliphaze import HEAD_CHANNELS, TYPICAL_AIRLIGHT, CLIPHaze
    from cliphaze_cli.network.config import CLIPHazeConfig

    torch.manual_seed(0)
    network = CLIPHaze(CLIPHazeConfig(width=8, blocks=(1, 1, 1, 1, 1), stem=4, embedding_size=8))
    assert network.head.bias is not None
    with torch.no_grad():
        optical_depth, airlight, _, share, _ = network.head.bias.split([16 * channels for channels in HEAD_CHANNELS])
        optical_depth.fill_(math.log(2))  # K = exp(tau) - 1
        airlight.fill_(-TYPICAL_AIRLIGHT)  # the head answers the difference from it
        share.fill_(-50)  # each place keeps its own
    path = tmp_path_factory.mktemp("weights") / "doubling.safetensors"
    checkpoint.save(network, path, name="doubling")
    return path


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands work on photos here, one after the other: no process has to start, and what is patched is in use."""
    monkeypatch.setattr("cliphaze_cli.batch.pool.Pool", InThisProcess)


@pytest.fixture
def cliphaze(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run `cliphaze ARGUMENTS` in tmp_path, on a machine without weights from the Hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cliphaze", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return Outcome(int(exit.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def dehaze(real_dehaze: Dehaze, in_this_process: None) -> Dehaze:
    """The same in this process."""
    return real_dehaze


@pytest.fixture
def real_dehaze(
    tmp_path: Path,
    doubling_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Dehaze:
    """Run `cliphaze dehaze ARGUMENTS --weights ...` in tmp_path; without --weights where they are None."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))  # no CLIP here, whatever this machine has

    def run(*arguments: str, weights: Path | None = doubling_weights) -> Outcome:
        option = () if weights is None else ("--weights", str(weights))
        monkeypatch.setattr(sys, "argv", ["cliphaze", "dehaze", *arguments, *option])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return Outcome(int(exit.value.code or 0), *capfd.readouterr())

    return run
