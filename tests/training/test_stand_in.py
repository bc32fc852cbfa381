"""The stand-ins say what they are meant to say, and the study runs through."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.scenes import hazy, landscape

pytest.importorskip("skimage", reason="training needs the extra cliphaze[train]")

from training import stand_in
from training.batches import PhotoPack
from training.recipe import Recipe
from training.stand_in import MAPS, SIZE, Arm, embedding_of, haze_basis, layout_embedding


def tensor(pixels) -> torch.Tensor:
    return torch.from_numpy(np.asarray(pixels, np.float32)).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def scenes() -> tuple[torch.Tensor, torch.Tensor]:
    """Clear photos and their hazy versions."""
    clear = [landscape(64, 96, seed) for seed in range(6)]
    return torch.cat([tensor(one) for one in clear]), torch.cat([tensor(hazy(one, 1.5)) for one in clear])


def test_layouts_are_unit_vectors_that_tell_photos_apart(scenes):
    vectors = layout_embedding(scenes[0])
    assert vectors.shape == (6, SIZE)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(6))
    again = layout_embedding((scenes[0] + 0.002).clamp(0, 1))
    cosines = again @ vectors.T
    assert (cosines.argmax(1) == torch.arange(6)).all()


def test_projecting_haze_out_brings_the_hazy_photos_embedding_nearer(scenes, pack, small_batches):
    basis = haze_basis(PhotoPack(pack), Recipe("tiny", 1), batches=8)
    clear, hazed = scenes
    generator = torch.Generator().manual_seed(0)
    raw = (layout_embedding(hazed) * layout_embedding(clear)).sum(1)
    freed = [embedding_of("realistic", photo, clear, basis, generator) for photo in (hazed, clear)]
    assert (freed[0] * freed[1]).sum(1).mean() > raw.mean()


def test_kinds_of_embeddings(scenes):
    clear, hazed = scenes
    basis, generator = torch.eye(SIZE)[:1], torch.Generator().manual_seed(0)
    own = layout_embedding(clear)
    assert not embedding_of("none", hazed, clear, basis, generator).any()
    perfect = embedding_of("perfect", hazed, clear, basis, generator)
    assert ((perfect * own).sum(1) > 0.95).all() and (perfect != own).any()
    others = embedding_of("another's", hazed, clear, basis, generator)
    assert ((others * own.roll(1, 0)).sum(1) > 0.95).all()


def test_kinds_of_maps():
    t = torch.linspace(1, 0.1, 64).expand(2, 3, 48, 64)
    maps = {name: make(t, torch.Generator().manual_seed(0)) for name, make in MAPS.items()}
    assert all(map_.shape == (2, 1, 48, 64) for map_ in maps.values())
    assert (maps["none"] < 0).all() and torch.allclose(maps["true"], 1 - t[:, :1])
    assert (maps["biased"] >= maps["true"]).all() and maps["degraded"].std() > 0.05


def test_the_study_prints_a_row_for_each_arm_and_calls_nothing_clip(pack, tmp_path, small_batches, monkeypatch, capsys):
    from safetensors.torch import save_file

    from cliphaze_cli.network.cliphaze import CLIPHaze
    from cliphaze_cli.network.config import VARIANTS, CLIPHazeConfig

    mini = CLIPHazeConfig(width=8, blocks=(0, 0, 1, 0, 0), stem=4)
    monkeypatch.setitem(VARIANTS, "mini", mini)
    monkeypatch.setattr(stand_in, "ARMS", (Arm(), Arm("degraded", "realistic"), Arm(embedding="another's")))
    save_file(CLIPHaze(mini).state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "data" / "clear").mkdir(parents=True)
    for seed in range(2):
        pixels = np.round(255 * landscape(64, 96, seed)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / "clear" / f"{seed}.png")
    options = {"start_from": tmp_path / "w.safetensors", "steps": 2, "seeds": 2, "variant": "mini"}
    stand_in.study(pack, tmp_path / "data", tmp_path / "runs", **options)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| none",
        "| map degraded, embedding realistic",
        "| map none, embedding another's",
    ]
    assert lines[2].count("+0.00 (+0.00 to +0.00)") == 2 and "not CLIP" in lines[0]
    files = sorted((tmp_path / "runs").iterdir())
    stamps = [file.stat().st_mtime_ns for file in files]
    stand_in.study(pack, tmp_path / "data", tmp_path / "runs", **options)
    assert [file.stat().st_mtime_ns for file in files] == stamps  # finished ones are not repeated
