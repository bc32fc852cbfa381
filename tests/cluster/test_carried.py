"""Weights that are carried to machines which do not have them."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cliphaze_cli.batch import dehazing, mapping
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.cluster import carried
from cliphaze_cli.cluster.carried import CLIP, PROMPTS, TEXTS, WEIGHTS, carried_files, lay_out
from cliphaze_cli.hub.resolve import VerifiedFile
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.errors import WeightsError

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a cluster is one machine")


@linux
def test_weights_load_where_their_file_is_not(tmp_path: Path, random_weights: Path) -> None:
    own = tmp_path / "mine.safetensors"
    own.write_bytes(random_weights.read_bytes())
    options = WorkOptions(dehazing.load, Settings(weights=str(own)), "cpu", Limits())
    files = list(carried_files(options))
    own.unlink()
    there = lay_out(files, options)
    loaded = dehazing.load(there, lambda line: None)
    assert loaded.used["weights_sha256"] == hashlib.sha256(random_weights.read_bytes()).hexdigest()
    assert isinstance(there.settings, Settings)
    assert Path(there.settings.weights or "").name == "mine.safetensors"
    assert replace(there.settings, weights=str(own)) == options.settings


def test_embedded_weights_are_carried_too() -> None:
    (file,) = carried_files(WorkOptions(dehazing.load, Settings(), "cpu", Limits()))
    assert file.role == WEIGHTS and file.content.size > 1 << 20


@linux
def test_clip_comes_with_the_texts_that_belong_to_it_and_learned_prompts(tmp_path: Path) -> None:
    for name in ("clip.safetensors", "prompts-0.safetensors", "learned.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    digest = hashlib.sha256(b"clip.safetensors").hexdigest()
    clip = VerifiedFile.of(tmp_path / "clip.safetensors", digest)
    settings = DensitySettings(prompts=str(tmp_path / "learned.safetensors"))
    options = WorkOptions(mapping.load, settings, "cpu", Limits(), clip_file=clip)
    files = list(carried_files(options))
    assert [file.role for file in files] == [PROMPTS, CLIP, TEXTS]
    there = lay_out(files, options)
    assert there.clip_file is not None and isinstance(there.settings, DensitySettings)
    assert there.clip_file.is_unchanged() and there.clip_file.digest == digest
    assert there.clip_file.path.read_bytes() == b"clip.safetensors"
    assert there.clip_file.path.with_name("prompts-0.safetensors").read_bytes() == b"prompts-0.safetensors"
    assert Path(there.settings.prompts or "").read_bytes() == b"learned.safetensors"
    (tmp_path / "clip.safetensors").write_bytes(b"another")
    with pytest.raises(WeightsError, match="was changed"):
        list(carried_files(options))


@linux
def test_nothing_stays_on_the_disk_but_an_empty_folder_if_the_process_is_killed(
    tmp_path: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    options = WorkOptions(dehazing.load, Settings(weights=str(random_weights)), "cpu", Limits())
    lay_out(list(carried_files(options)), options)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files == []
    carried._kept.clear()
