"""`--weights` given what are no weights, or worse: one line, and nothing of it runs."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cliphaze_cli.network import checkpoint
from tests.cli.dehazing import Dehaze, save
from tests.conftest import small_network
from tests.network.test_checkpoint import Malice


def pickled(path: Path, good: bytes) -> None:
    torch.save({"x": Malice(path.with_name("executed"))}, path)


def old_pickle(path: Path, good: bytes) -> None:
    torch.save({"x": Malice(path.with_name("executed"))}, path, _use_new_zipfile_serialization=False)


def foreign(path: Path, good: bytes) -> None:
    save_file({"weight": torch.zeros(3)}, path)


def not_finite(path: Path, good: bytes) -> None:
    network = small_network()
    torch.nn.init.constant_(network.head.weight, torch.nan)
    checkpoint.save(network, path, name="nan")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (pickled, "never loaded"),
        (old_pickle, "never loaded"),
        (lambda path, good: path.mkdir(), "is not a file"),
        (lambda path, good: path.touch(), "ends within its header"),
        (lambda path, good: path.write_bytes(good[:-1]), "not a readable safetensors file"),
        (lambda path, good: path.write_bytes(good[: len(good) // 2]), "not a readable safetensors file"),
        (lambda path, good: path.write_bytes(good[:100]), "ends within its header"),
        (lambda path, good: path.write_bytes(b"\xff" * 7 + b"\x7f" + good[8:]), "declares a header of"),
        (foreign, "not a cliphaze checkpoint"),
        (not_finite, "values that are not finite"),
    ],
)
def test_one_line_and_nothing_is_started(
    tmp_path: Path,
    dehaze: Dehaze,
    doubling_weights: Path,
    make: Callable[[Path, bytes], object],
    complaint: str,
) -> None:
    save(tmp_path / "a.png")
    make(tmp_path / "w.safetensors", doubling_weights.read_bytes())
    result = dehaze("a.png", "out", "--no-clip", weights=tmp_path / "w.safetensors")
    assert result.code == 2
    assert complaint in result.err and len(result.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "executed").exists()


NO_PICKLE = """
import sys
from pathlib import Path

def watch(event, arguments):
    if event.startswith("pickle."):
        sys.stderr.write(f"unpickled {arguments}\\n")
        sys.exit(99)

sys.modules["numba"] = None  # it keeps its own compiled code as pickles
sys.addaudithook(watch)
folder = Path(sys.argv[1])
from tests.prior import tiny_clip
from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.prior.clip_model import ClipPrior
import numpy as np
with tiny_clip.known_by_name(folder):
    for _ in range(2):  # the second time with the texts from their cache
        prior = ClipPrior.from_file(folder / "clip.safetensors", tiny_clip.NAME)
        dehazer = Dehazer.from_pretrained(weights=folder / "w.safetensors", device="cpu", prior=prior)
        dehazer.dehaze(np.zeros((40, 40, 3), np.uint8))
assert list(folder.glob("prompts-*"))
"""


def test_neither_network_nor_clip_nor_caches_are_unpickled(tmp_path: Path, doubling_weights: Path) -> None:
    from tests.prior import tiny_clip

    (tmp_path / "w.safetensors").write_bytes(doubling_weights.read_bytes())
    save_file(tiny_clip.build(seed=3).state_dict(), tmp_path / "clip.safetensors")
    path = os.pathsep.join(path for path in sys.path if path)
    child = subprocess.run(
        [sys.executable, "-c", NO_PICKLE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr


def test_clip_weights_that_are_none(tmp_path: Path) -> None:
    from cliphaze_cli.prior.clip_model import ClipPrior
    from cliphaze_cli.system.errors import WeightsError
    from tests.prior import tiny_clip

    path = tmp_path / "clip.safetensors"
    with tiny_clip.known_by_name(tmp_path):
        for make, complaint in ((pickled, "not a readable"), (foreign, "is not a checkpoint of")):
            make(path, b"")
            with pytest.raises(WeightsError, match=complaint) as error:
                ClipPrior.from_file(path, tiny_clip.NAME)
            assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "executed").exists()
    assert load_file(path)
