"""The weights registry: what ships is consistent, what is looked up is found, what is wrong is said."""

import hashlib
from pathlib import Path

import pytest

from cliphaze_cli.hub import registry
from cliphaze_cli.hub.cache import is_commit
from cliphaze_cli.system.errors import WeightsError
from tests.hub.server import Served, clip_record, write_registry


def test_everything_on_the_hub_is_pinned_to_a_commit_size_and_digest() -> None:
    for entry in registry.load_registry().values():
        assert entry.file.endswith(".safetensors")
        if not entry.embedded:
            assert is_commit(entry.revision)
            assert entry.size is not None
            assert entry.sha256 is not None
            assert len(entry.sha256) == 64


def test_there_is_one_default_network_and_one_default_clip() -> None:
    defaults = [entry.kind for entry in registry.load_registry().values() if entry.default]
    assert sorted(defaults) == ["clip", "cliphaze"]


def test_the_embedded_checkpoint_is_the_one_registered() -> None:
    entry = registry.find("tiny")
    path = registry.weights_dir() / entry.file
    if not path.is_file():
        pytest.skip("the embedded checkpoint is not in this checkout")
    assert entry.size == path.stat().st_size
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert entry.scores


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B/32", "vit-b-32", "ViT-B-32:openai", "VIT-B-32:OPENAI"])
def test_the_default_clip_by_its_spellings(name: str) -> None:
    assert registry.find(name).repo == "timm/vit_base_patch32_clip_224.openai"


def test_the_other_pinned_clip_by_its_tag() -> None:
    entry = registry.pinned_clip("ViT-B-32:laion2B-s34B-b79K")
    assert entry is not None
    assert entry.repo == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert registry.pinned_clip("ViT-B-32:laion400m_e31") is None


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"'huge'.*tiny"):
        registry.find("huge")


def test_another_registry_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_registry(tmp_path / "mine.json", clip_record(Served(b"x")))
    monkeypatch.setenv("CLIPHAZE_REGISTRY", str(path))
    assert list(registry.load_registry()) == ["ViT-Test:openai"]
    assert registry.weights_dir() == tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "cannot read"),
        ("[]", "no list of weights"),
        ("[" * 100_000, "cannot read"),
        ("\udcff", "cannot read"),
        ('{"format": 1, "weights": {}}', "no list of weights"),
        ('{"format": 1, "weights": [3]}', "no record"),
        ('{"format": 1, "weights": [{"name": 3, "kind": "clip", "file": "f", "repo": "o/n"}]}', "name is '3'"),
        ('{"format": 1, "weights": [{"name": "a", "kind": "clip", "file": "f", "repo": 2}]}', "repo is '2'"),
        ('{"format": 1, "weights": [{"name": "a", "kind": "clip", "file": "f", "size": true}]}', "size is 'True'"),
        ('{"format": 2, "weights": []}', "format 2"),
        ('{"format": 1, "weights": [{"name": "a", "kind": "clip"}]}', "file"),
        ('{"format": 1, "weights": [{"name": "a", "kind": "net", "file": "f", "repo": "o/n"}]}', "kind"),
        ('{"format": 1, "weights": [{"name": "a", "kind": "clip", "file": "f"}]}', "neither embedded"),
        ('{"format": 1, "weights": [{"name": "a", "kind": "clip", "file": "f", "sha": "0"}]}', "unknown fields sha"),
    ],
)
def test_a_broken_registry_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    path = tmp_path / "registry.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("CLIPHAZE_REGISTRY", str(path))
    with pytest.raises(WeightsError, match=expected):
        registry.load_registry()


def test_a_missing_registry_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPHAZE_REGISTRY", str(tmp_path / "nothing.json"))
    with pytest.raises(WeightsError, match="correct or unset it"):
        registry.weights_dir()
