import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cliphaze_cli.hub.open_clip_import import import_open_clip
from cliphaze_cli.prior import towers
from cliphaze_cli.prior.clip_model import ClipPrior, clip_available
from cliphaze_cli.prior.embedding import degradation_basis
from cliphaze_cli.prior.prompts import custom_prompts
from cliphaze_cli.system.errors import WeightsError
from tests.prior.tiny_clip import NAME as MODEL
from tests.prior.tiny_clip import build, crisp, half_foggy, in_memory, known_by_name, planted_prior


@pytest.fixture(scope="module", autouse=True)
def tiny_model_name(tmp_path_factory):
    with known_by_name(tmp_path_factory.mktemp("configs")):
        yield


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights" / "open_clip_model.safetensors"
    path.parent.mkdir()
    save_file(build(seed=3).state_dict(), path)
    return path


@pytest.fixture
def text_tower_loads(monkeypatch):
    """How often the text tower was loaded."""
    loads = []
    original = towers.encode_texts

    def counted(*arguments):
        loads.append(arguments[-1])
        return original(*arguments)

    monkeypatch.setattr(towers, "encode_texts", counted)
    return loads


def test_a_file_gives_the_model_it_was_saved_from(weights):
    loaded, model = ClipPrior.from_file(weights, MODEL), build(seed=3)
    reference = in_memory(model)
    np.testing.assert_allclose(loaded.density(half_foggy()), reference.density(half_foggy()), atol=1e-4)
    np.testing.assert_allclose(loaded.embedding(half_foggy()), reference.embedding(half_foggy()), atol=1e-4)
    assert not any(parameter.requires_grad for parameter in loaded.tower.module.parameters())


def test_it_can_be_sent_to_another_process(weights):
    loaded = ClipPrior.from_file(weights, MODEL)
    other = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(other.density(half_foggy()), loaded.density(half_foggy()))


def test_half_precision_files_run_in_float32(weights):
    save_file({name: tensor.half() for name, tensor in load_file(weights).items()}, weights)
    prior = ClipPrior.from_file(weights, MODEL)
    assert {parameter.dtype for parameter in prior.tower.module.parameters()} == {torch.float32}
    assert np.isfinite(prior.density(half_foggy())).all()


def test_default_prompts_load_the_text_tower_once_for_all_runs(weights, text_tower_loads):
    first = ClipPrior.from_file(weights, MODEL)
    density = first.density(half_foggy())
    first.embedding(half_foggy())
    assert len(text_tower_loads) == 1
    second = ClipPrior.from_file(weights, MODEL)
    np.testing.assert_array_equal(second.density(half_foggy()), density)
    assert len(text_tower_loads) == 1
    assert [path.name for path in weights.parent.iterdir() if path != weights and "prompts-" not in path.name] == []


def test_other_weights_do_not_get_cached_texts(weights, text_tower_loads):
    ClipPrior.from_file(weights, MODEL).prompt_embeddings()
    save_file(build(seed=4).state_dict(), weights)
    os.utime(weights, ns=(1, 1))
    other = ClipPrior.from_file(weights, MODEL).prompt_embeddings()
    expected = in_memory(build(seed=4)).prompt_embeddings()
    torch.testing.assert_close(other.hazy, expected.hazy)
    assert len(text_tower_loads) == 2


def test_custom_prompts_load_it_change_the_map_and_are_not_stored(weights, text_tower_loads):
    prior = ClipPrior.from_file(weights, MODEL)
    default = prior.density(half_foggy())
    files = set(weights.parent.iterdir())
    prompts = custom_prompts(hazy=["a wall of smoke"])
    custom = prior.density(half_foggy(), prompts=prompts)
    assert np.abs(custom - default).max() > 1e-3
    assert len(text_tower_loads) == 2
    prior.density(half_foggy(), prompts=prompts)
    assert len(text_tower_loads) == 2  # within a run, once
    assert set(weights.parent.iterdir()) == files


def test_a_damaged_text_cache_is_made_anew(weights, text_tower_loads):
    density = ClipPrior.from_file(weights, MODEL).density(half_foggy())
    (cached,) = weights.parent.glob("prompts-*")
    cached.write_bytes(b"\x08")
    np.testing.assert_array_equal(ClipPrior.from_file(weights, MODEL).density(half_foggy()), density)
    np.testing.assert_array_equal(ClipPrior.from_file(weights, MODEL).density(half_foggy()), density)
    assert len(text_tower_loads) == 2


def test_a_read_only_folder_is_no_obstacle(weights, text_tower_loads, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cliphaze_cli.system.atomic_file.create_part", refuse)
    assert np.isfinite(ClipPrior.from_file(weights, MODEL).density(half_foggy())).all()
    assert list(weights.parent.iterdir()) == [weights]


def test_vision_alone_is_read_for_images(weights, text_tower_loads):
    ClipPrior.from_file(weights, MODEL).prompt_embeddings()
    tensors = load_file(weights)
    stamp = weights.stat()
    save_file({name: tensor for name, tensor in tensors.items() if name.startswith("visual.")}, weights)
    prior = ClipPrior.from_file(weights, MODEL, fingerprint=f"{stamp.st_size}-{stamp.st_mtime_ns}")
    assert np.isfinite(prior.density(half_foggy())).all()
    assert len(text_tower_loads) == 1


def test_files_that_do_not_fit_are_refused_in_one_line(weights, tmp_path):
    tensors = load_file(weights)
    cases = {
        "missing": {name: tensor for name, tensor in tensors.items() if name != "visual.proj"},
        "extra": tensors | {"visual.extra": torch.zeros(1)},
        "shape": tensors | {"visual.proj": torch.zeros(32, 17)},
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.safetensors"
        save_file(content, path)
        with pytest.raises(WeightsError, match=rf"not a checkpoint of {MODEL}.*\(e\.g\. (proj|extra)\)"):
            ClipPrior.from_file(path, MODEL)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"<html>404</html>")
    with pytest.raises(WeightsError, match="download it again") as error:
        ClipPrior.from_file(damaged, MODEL)
    assert "\n" not in str(error.value)
    with pytest.raises(WeightsError, match="no weights file"):
        ClipPrior.from_file(tmp_path / "absent.safetensors", MODEL)


@pytest.mark.parametrize("model", ["ViT-Z-99", "hf-hub:someone/something", "xlm-roberta-base-ViT-B-32"])
def test_models_that_cannot_be_built_offline_are_refused(weights, model):
    with pytest.raises(WeightsError, match="choose another"):
        ClipPrior.from_file(weights, model)


@pytest.mark.parametrize(("pretrained", "quick"), [("openai", True), ("laion2b_s34b_b79k", False), (None, False)])
def test_the_checkpoints_tag_decides_the_activation(pretrained, quick):
    recipe = towers.recipe(import_open_clip(), "ViT-B-32", pretrained)
    assert recipe.config["quick_gelu"] is quick
    assert towers.recipe(import_open_clip(), "ViT-B-32-quickgelu", None).config["quick_gelu"]


def test_normalisation_follows_the_tag():
    recipe = towers.recipe(import_open_clip(), "ViT-B-32", "openai")
    assert recipe.mean == pytest.approx((0.481, 0.458, 0.408), abs=1e-3)
    assert recipe.std == pytest.approx((0.269, 0.261, 0.276), abs=1e-3)


def test_embedding_is_free_of_the_texts_degradation():
    prior = planted_prior()
    embedding = prior.embedding(half_foggy())
    assert embedding.shape == (16,) and embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    basis = degradation_basis(prior.prompt_embeddings().differences())
    assert 0 < len(basis) < 16
    np.testing.assert_allclose(basis.numpy() @ embedding, 0, atol=1e-5)
    assert np.abs(prior.embedding(crisp(64, 64)) - embedding).max() > 1e-3  # and still tells photos apart


def test_weights_that_are_absent_are_one_line_with_the_command(tmp_path):
    assert not clip_available(cache_dir=tmp_path)
    with pytest.raises(WeightsError, match="cliphaze download-weights") as error:
        ClipPrior.from_cache(cache_dir=tmp_path)
    assert "\n" not in str(error.value) and "ViT-B-32" in str(error.value)


CHILD = """
import importlib, sys, types
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

class Broken(MetaPathFinder):
    # Stands for torchvision beside another torch: fails at import until its operator is declared.
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "torchvision" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        import torch
        {behaviour}

class OpenClip(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "open_clip" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        import torchvision
        module.ready = True

sys.meta_path[:0] = [Broken(), OpenClip()]
from cliphaze_cli.hub.open_clip_import import import_open_clip
assert "torch" not in sys.modules and "open_clip" not in sys.modules
"""
NEEDS_OPERATOR = """torch.library.register_fake("torchvision::nms")(lambda dets, scores, iou_threshold: dets)"""


def _child(script: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
    )


def test_a_torchvision_of_another_torch_is_worked_around():
    script = CHILD.format(behaviour=NEEDS_OPERATOR) + "assert import_open_clip().ready and import_open_clip().ready\n"
    result = _child(script)
    assert result.returncode == 0, result.stderr


def test_any_other_import_failure_is_passed_on():
    result = _child(CHILD.format(behaviour='raise RuntimeError("no such file: libfoo")') + "import_open_clip()\n")
    assert result.returncode != 0 and "RuntimeError: no such file: libfoo" in result.stderr
    assert "torchvision::nms" not in result.stderr


def test_the_installed_open_clip_imports_in_a_fresh_process():
    result = _child(
        "from cliphaze_cli.hub.open_clip_import import import_open_clip\n"
        "o = import_open_clip()\n"
        "assert o is import_open_clip() and 'ViT-B-32' in o.list_models()\n"
        "import torchvision\n"
    )
    assert result.returncode == 0, result.stderr


def test_asking_whether_clip_is_here_imports_nothing_heavy(tmp_path):
    result = _child(
        "import sys, pathlib\n"
        "from cliphaze_cli.prior.clip_model import clip_available\n"
        f"assert not clip_available(cache_dir=pathlib.Path({str(tmp_path)!r}))\n"
        "assert not {'torch', 'open_clip', 'torchvision', 'numpy'} & sys.modules.keys()\n"
    )
    assert result.returncode == 0, result.stderr
