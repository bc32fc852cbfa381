"""What runs with several processes share: CLIP's file is hashed once, its memory mapped, its texts embedded before."""

import os
import pickle
import sys
from pathlib import Path

import pytest

from cliphaze_cli.hub import clip_entry, verification, verified_file
from cliphaze_cli.prior import towers
from cliphaze_cli.prior.clip_model import ClipPrior
from cliphaze_cli.prior.embed_prompts import embed_default_prompts
from cliphaze_cli.system.errors import WeightsError
from tests.prior import tiny_clip


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The tiny CLIP in a Hub cache below tmp_path, known to the registry and to open_clip."""
    monkeypatch.setenv("CLIPHAZE_REGISTRY", str(tmp_path / "registry.json"))
    with tiny_clip.in_cache(tmp_path) as path:
        yield path


@pytest.fixture
def hashed(monkeypatch):
    """The files that were hashed."""
    files = []
    original = verification.digest_of

    def counted(path, length=64):
        files.append(path)
        return original(path, length)

    monkeypatch.setattr(verification, "digest_of", counted)
    return files


@pytest.fixture
def encoded(monkeypatch):
    """The texts that went through the text tower."""
    texts = []
    original = towers.encode_texts

    def counted(*arguments):
        texts.extend(arguments[-1])
        return original(*arguments)

    monkeypatch.setattr(towers, "encode_texts", counted)
    return texts


def test_a_file_that_this_run_has_hashed_is_not_hashed_again(cached, tmp_path, hashed):
    file = verified_file(clip_entry(tiny_clip.NAME), tmp_path)
    assert len(hashed) == 1 and file.path == cached
    handed_over = pickle.loads(pickle.dumps(file))
    prior = ClipPrior.from_cache(tiny_clip.NAME, cache_dir=tmp_path, verified=handed_over)
    assert len(hashed) == 1 and prior.sha256 == file.digest
    ClipPrior.from_cache(tiny_clip.NAME, cache_dir=tmp_path)
    assert len(hashed) == 2


@pytest.mark.parametrize("kept_time", [False, True])
def test_a_file_that_has_changed_since_is(cached, tmp_path, kept_time):
    file = verified_file(clip_entry(tiny_clip.NAME), tmp_path)
    status, content = cached.stat(), bytearray(cached.read_bytes())
    content[-1] ^= 1
    replacement = tmp_path / "other"
    replacement.write_bytes(bytes(content))
    replacement.replace(cached)
    if kept_time:
        os.utime(cached, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(WeightsError, match="is damaged"):
        ClipPrior.from_cache(tiny_clip.NAME, cache_dir=tmp_path, verified=file)


def test_a_file_that_is_gone_is_an_error_in_one_line(cached, tmp_path):
    file = verified_file(clip_entry(tiny_clip.NAME), tmp_path)
    cached.unlink()
    with pytest.raises(WeightsError, match="not on this machine: run"):
        ClipPrior.from_cache(tiny_clip.NAME, cache_dir=tmp_path, verified=file)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/maps")
def test_the_towers_parameters_lie_in_the_mapped_file(cached, tmp_path):
    prior = ClipPrior.from_cache(tiny_clip.NAME, cache_dir=tmp_path)
    ranges = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(str(cached)):
            start, _, end = line.split()[0].partition("-")
            ranges.append((int(start, 16), int(end, 16)))
    assert ranges
    for name, parameter in prior.tower.module.named_parameters():
        assert any(start <= parameter.data_ptr() < end for start, end in ranges), name


def test_prompts_embedded_beside_the_weights_serve_every_later_process(cached, tmp_path, encoded):
    entry = clip_entry(tiny_clip.NAME)
    embed_default_prompts(entry, cached, entry.sha256)
    assert len(encoded) > 0
    encoded.clear()
    ClipPrior.from_cache(tiny_clip.NAME, cache_dir=tmp_path).density(tiny_clip.half_foggy())
    embed_default_prompts(entry, cached, entry.sha256)
    assert encoded == []


def test_a_file_that_is_no_checkpoint_is_refused_before_anything_heavy(tmp_path, monkeypatch):
    path = tmp_path / "clip.safetensors"
    path.write_bytes(b"<html>404</html>")
    monkeypatch.setattr(ClipPrior, "from_file", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(WeightsError, match=r"not a readable \.safetensors file"):
        embed_default_prompts(clip_entry("ViT-B-32"), path, None)
