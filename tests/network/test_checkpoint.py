"""Checkpoints: what is saved is loaded, bit by bit; anything else is refused in one line."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.system.errors import ImageError, WeightsError
from tests.conftest import small_network


@pytest.fixture
def edit(random_weights, tmp_path):
    """Rewrite the random checkpoint with other tensors or metadata."""

    def rewrite(change_tensors=lambda tensors: tensors, **metadata):
        with safe_open(random_weights, framework="pt") as file:
            tensors, old = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
        path = tmp_path / "edited.safetensors"
        save_file(change_tensors(tensors), path, {key: text for key, text in {**old, **metadata}.items() if text})
        return path

    return rewrite


CONFIG = asdict(small_network().config)


def refusal(path) -> str:
    with pytest.raises(WeightsError) as error:
        checkpoint.load(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


def test_a_round_trip_is_exact(tmp_path):
    network = small_network(seed=3, blocks=(1, 0, 1, 0, 1), ffn_expansion=1.5)
    path = tmp_path / "x.safetensors"
    training = {"steps": 7, "data": "a few photos"}
    clip = ClipTraining("ViT-B-32:openai", "windows", 512)
    instructions = frozenset({"density", "embedding"})
    checkpoint.save(network, path, name="mine", instructions=instructions, training=training, clip=clip)
    loaded = checkpoint.load(path)
    assert (loaded.name, loaded.instructions, loaded.training) == ("mine", instructions, training)
    assert loaded.clip == clip
    assert loaded.network.config == network.config
    assert not loaded.network.training and not any(p.requires_grad for p in loaded.network.parameters())
    found, expected = loaded.network.state_dict(), network.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    hazy = torch.rand(1, 3, 20, 30)
    torch.testing.assert_close(loaded.network(hazy), network(hazy), rtol=1e-5, atol=1e-6)


def test_a_network_in_channels_last_is_saved_alike(tmp_path):
    network = small_network()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    checkpoint.save(network, tmp_path / "x.safetensors", name="x")
    loaded = checkpoint.load(tmp_path / "x.safetensors").network
    torch.testing.assert_close(loaded.state_dict(), network.state_dict(), rtol=0, atol=0)


def test_half_precision_weights_are_computed_in_float32(edit):
    path = edit(lambda tensors: {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()})
    network = checkpoint.load(path).network
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert network(torch.rand(1, 3, 16, 16))[0].isfinite().all()


def test_keys_that_do_not_fit_are_named(edit):
    def change(tensors):
        del tensors["head.bias"], tensors["head.weight"]
        tensors["stem.weight"] = tensors["stem.weight"][:, 1:].contiguous()
        return {**tensors, "extra.weight": torch.zeros(1), "extra.bias": torch.zeros(1)}

    message = refusal(edit(change))
    assert "missing head.bias and 1 more" in message
    assert "unexpected extra.bias and 1 more" in message
    assert "stem.weight is (8, 11, 3, 3) instead of (8, 12, 3, 3)" in message


def test_a_path_without_a_file(tmp_path):
    assert "no weights at" in refusal(tmp_path / "none.safetensors")


def test_a_folder(tmp_path):
    assert "is a folder" in refusal(tmp_path)


class Malice:
    """Creates a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_never_loaded(tmp_path, zipped):
    path = tmp_path / "model.pth"
    torch.save({"x": Malice(tmp_path / "executed")}, path, _use_new_zipfile_serialization=zipped)
    assert "never loaded" in refusal(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file(random_weights, tmp_path, share):
    content = random_weights.read_bytes()
    path = tmp_path / "short.safetensors"
    path.write_bytes(content[: int(share * len(content))])
    assert "not a readable safetensors file" in refusal(path)


def test_a_byte_too_many(random_weights, tmp_path):
    path = tmp_path / "long.safetensors"
    path.write_bytes(random_weights.read_bytes() + b"!")
    assert "not a readable safetensors file" in refusal(path)


def with_header(text: bytes, length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(8, "little") + text


HEADER = {"__metadata__": {"format": checkpoint.FORMAT, "config": json.dumps(CONFIG)}}


@pytest.mark.parametrize(
    "content",
    [
        with_header(b"{}", 2**63),
        with_header(b"{}", 2**40),
        with_header(b"{}", 10**6),
        with_header(b"\xff\xfe{"),
        with_header(b"[" * 100_000),
        with_header(b"[]"),
        with_header(b'{"__metadata__": 3}'),
        *(
            with_header(json.dumps({**HEADER, "stem.bias": record}).encode())
            for record in (
                3,
                {},
                {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
                {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]},
                {"dtype": "F32", "shape": "8", "data_offsets": [0, 4]},
                {"dtype": "I64", "shape": [8], "data_offsets": [0, 64]},
                {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]},
            )
        ),
    ],
)
def test_a_hostile_header(tmp_path, content):
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    assert "not a readable safetensors file" in refusal(path)


@pytest.fixture
def declare(random_weights, tmp_path):
    """Rewrite what the random checkpoint's header says of one tensor; the tensors stay."""

    def rewrite(**change):
        content = random_weights.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        header["stem.bias"].update(change)
        path = tmp_path / "declared.safetensors"
        path.write_bytes(with_header(json.dumps(header).encode()) + content[start:])
        return path

    return rewrite


@pytest.mark.parametrize("shape", [[10**12, 10**6], [10**30], [2**20, 8]])
def test_a_tensor_declared_as_giant_is_refused_by_its_shape(declare, shape):
    assert f"stem.bias is {tuple(shape)} instead of (8,)" in refusal(declare(shape=shape))


@pytest.mark.parametrize("offsets", [[0, 10**15], [-32, 0], [0, 0], ["a", "b"]])
def test_tensors_declared_to_lie_elsewhere(declare, offsets):
    assert "not a readable safetensors file" in refusal(declare(data_offsets=offsets))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite(edit, value):
    def change(tensors):
        tensors["head.bias"][3] = value
        return tensors

    assert "values that are not finite, first in head.bias" in refusal(edit(change))


def test_content_is_compared_with_its_digest_when_it_is_loaded(random_weights):
    digest = hashlib.sha256(random_weights.read_bytes()).hexdigest()
    assert checkpoint.load(random_weights, sha256=digest).sha256 == digest
    with pytest.raises(WeightsError, match="is damaged"):
        checkpoint.load(random_weights, sha256="0" * 64)


@pytest.mark.parametrize(("name", "kept"), [("mine", True), ("", False), ("two\nlines", False), ("x" * 1000, False)])
def test_a_name_that_cannot_stand_in_a_report_is_the_files(edit, name, kept):
    assert checkpoint.load(edit(name=name)).name == (name if kept else "edited")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert "not a regular file" in refusal(tmp_path / "pipe.safetensors")


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.safetensors").touch()
    assert "it ends within its header" in refusal(tmp_path / "empty.safetensors")


def test_another_programs_safetensors(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    assert "not a cliphaze checkpoint" in refusal(path)


@pytest.mark.parametrize(
    "config",
    [
        {"width": 10**9},
        {"width": 0},
        {"width": -8},
        {"width": "8"},
        {"width": 8.5},
        {"width": None},
        {"width": True},
        {"stem": 1000},
        {"blocks": [10**9, 1, 1, 1, 1]},
        {"blocks": [1, 1, 1]},
        {"blocks": 5},
        {"blocks": [1, 1, "1", 1, 1]},
        {"scan_reduction": [0, 1, 1]},
        {"state_size": 10**6},
        {"embedding_size": 10**12},
        {"ffn_expansion": float("nan")},
        {"ffn_expansion": "2"},
        {"width": 256, "blocks": [32] * 5},  # each possible, but not together
    ],
)
def test_an_impossible_config(edit, config):
    assert "impossible config" in refusal(edit(config=json.dumps({**CONFIG, **config})))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"width": 8}', '{"depth": 3}'])
def test_a_config_of_another_version(edit, text):
    assert "config this version cannot read" in refusal(edit(config=text))


@pytest.mark.parametrize(
    "metadata", [{"instructions": "{"}, {"instructions": "3"}, {"training": "[1]"}, {"clip": '{"name": "x"}'}]
)
def test_damaged_metadata(edit, metadata):
    assert "metadata" in refusal(edit(**metadata))


LOADING = """
import resource, sys
from pathlib import Path
from cliphaze_cli.network import checkpoint
from cliphaze_cli.system.errors import ImageError, WeightsError

def peak():  # MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

before = peak()
try:
    checkpoint.load(Path(sys.argv[1]))
except WeightsError as error:
    sys.stdout.write(f"{peak() - before} {error}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
def test_the_largest_allowed_config_allocates_nothing(edit):
    largest = {**CONFIG, "width": 256, "stem": 8, "blocks": [3] * 5, "state_size": 16, "embedding_size": 4096}
    path = edit(config=json.dumps(largest))
    child = subprocess.run([sys.executable, "-c", LOADING, path], capture_output=True, text=True, check=True)
    grown, message = child.stdout.split(maxsplit=1)
    assert "does not fit" in message
    assert float(grown) < 100  # MiB; such a network has gigabytes of parameters


def test_a_failed_save_leaves_the_old_file(random_weights, tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    path.write_bytes(random_weights.read_bytes())

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ImageError, match="no space left"):
        checkpoint.save(small_network(), path, name="new")
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"]
    assert path.read_bytes() == random_weights.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_saved_file_can_be_read_by_others(random_weights):
    assert random_weights.stat().st_mode & 0o044 == 0o044


def test_loading_does_not_import_the_compiler(random_weights):
    code = (
        "import sys, pathlib, torch; from cliphaze_cli.network import checkpoint; before = set(sys.modules); "
        "checkpoint.load(pathlib.Path(sys.argv[1])); "
        "sys.exit(bool({'torch._dynamo', 'sympy'} & (set(sys.modules) - before)))"
    )
    subprocess.run([sys.executable, "-c", code, str(random_weights)], check=True)
