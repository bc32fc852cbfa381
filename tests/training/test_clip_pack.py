"""What CLIP says of a pack's photos reaches the batches and the network, and the network learns from what is true."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.network.config import CLIPHazeConfig
from cliphaze_cli.prior.clip_model import ClipPrior
from tests.prior import tiny_clip
from tests.training.scenes import landscape
from training import batches, clip_pack
from training import recipe as recipes
from training.batches import HazeBatches, PhotoPack
from training.clip_pack import ClipPack, instructing_embeddings
from training.instruction import ABSENT
from training.losses import dehazing_loss
from training.recipe import HazeMix, Instructed, Recipe, Scenes
from training.train import Trainer

SIZE = 16
TAUGHT = ClipTraining("ViT-Planted:test", "surgery", SIZE)
NETWORK = CLIPHazeConfig(width=8, blocks=(1, 1, 1, 1, 1), stem=4)


@pytest.fixture(scope="module")
def with_clip(photos, tmp_path_factory):
    """A pack that the tiny CLIP has looked at, and that CLIP."""
    pytest.importorskip("skimage", reason="training needs the extra cliphaze[train]")
    from training.prepare import prepare

    folder = tmp_path_factory.mktemp("clip")
    listed = folder / "photos.csv"
    listed.write_text("file,shows\n0.png,place\n1.png,thing\n")
    with pytest.MonkeyPatch.context() as patch, tiny_clip.in_cache(folder):
        patch.setenv("CLIPHAZE_REGISTRY", str(folder / "registry.json"))
        patch.setattr("cliphaze_cli.hub.cache.cache_root", lambda cache_dir: folder)
        prepare(photos, folder / "pack.npz", photo_list=listed, draws=1, versions=2, clip=tiny_clip.NAME, builder=None)
        prepare(photos, folder / "plain.npz", photo_list=listed, draws=1)
        yield folder / "pack.npz", ClipPrior.from_cache(tiny_clip.NAME)


def recipe(pack: PhotoPack, **instructed: float) -> Recipe:
    made = Recipe("tiny", 12, instructed=Instructed(**instructed), network=NETWORK)
    return made.taught_by(None if pack.clip is None else pack.clip.taught_by)


def test_the_pack_holds_clips_embeddings_of_clean_photos_and_its_maps_of_hazed_ones(with_clip):
    path, prior = with_clip
    pack = PhotoPack(path)
    clip = pack.clip
    assert clip is not None
    assert clip.taught_by == ClipTraining(f"{tiny_clip.NAME}:random", "surgery", 16)
    for index, pixels in enumerate(pack.photos):
        np.testing.assert_allclose(clip.embeddings[index], prior.embedding(pixels), atol=1e-5)
        haze, map_ = clip.hazed(index, 1, pack.photo(index))
        hazy = np.round(255 * haze.hazy[0].permute(1, 2, 0).numpy()).astype(np.uint8)
        np.testing.assert_allclose(map_[0, 0], prior.density(hazy), atol=0.02)
    assert PhotoPack(path.with_name("plain.npz")).clip is None


def test_without_its_words_the_batches_are_those_of_a_pack_without_clip(with_clip, small_batches):
    plain, told = PhotoPack(with_clip[0].with_name("plain.npz")), PhotoPack(with_clip[0])
    first = HazeBatches(plain, recipe(plain, clip_maps=0.0))[3]
    second = HazeBatches(told, recipe(told, clip_maps=0.0, embedding=1.0))[3]
    assert first.embedding is None and second.embedding is not None
    for name in ("hazy", "clear", "transmission", "airlight", "density"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name


def test_samples_with_clips_map_show_the_haze_that_it_was_of(with_clip, small_batches):
    pack = PhotoPack(with_clip[0])
    assert pack.clip is not None
    flat = [np.full((2, 3, 4), 51 + 51 * index, np.uint8) for index in range(len(pack.photos))]
    pack.clip = replace(pack.clip, maps=flat)
    everything = recipe(pack, clip_maps=1.0, present=1.0)
    everything = replace(everything, scenes=Scenes(blank=0.0))
    batch = HazeBatches(pack, everything)[0]
    levels = batch.density.flatten(1)
    assert ((levels - levels[:, :1]).abs() < 1e-5).all()  # each map is constant, and is its photo's
    assert set((5 * levels[:, 0]).round().int().tolist()) <= {1, 2}
    # Every sample's haze is one that the pack noted, which the fresh one of that seed would not be.
    assert torch.equal(batch.clear, HazeBatches(pack, everything)[0].clear)
    shown = [float(one.mean()) for one in batch.transmission]
    noted = pack.clip.transmissions
    whole = replace(everything, scenes=Scenes(blank=0.0, whole=1.0))
    assert all(np.abs(noted - mean).min() < 0.25 for mean in shown) and whole != everything
    absent = HazeBatches(pack, replace(everything, instructed=replace(everything.instructed, present=0.0)))[0]
    assert (absent.density == ABSENT).all() and torch.equal(absent.transmission, batch.transmission)


def test_a_pack_whose_haze_is_of_another_time_is_refused(with_clip, monkeypatch):
    pack = PhotoPack(with_clip[0])
    assert pack.clip is not None
    original = clip_pack.whole_haze
    monkeypatch.setattr(
        clip_pack,
        "whole_haze",
        lambda clear, depth, seed, *rest, **more: original(clear, depth, seed + 1, *rest, **more),
    )
    with pytest.raises(ValueError, match="prepare the pack anew"):
        for version in range(2):
            pack.clip.hazed(0, version, pack.photo(0))


def test_embeddings_are_noisy_sometimes_absent_and_sometimes_anothers():
    vectors = np.eye(SIZE, dtype=np.float32)
    clip = ClipPack(TAUGHT, vectors, [], np.zeros((SIZE, 1), np.int64), np.zeros((SIZE, 1), np.float32), HazeMix())
    rng = np.random.default_rng(0)
    indices = rng.integers(SIZE, size=4000)
    given = instructing_embeddings(clip, indices.tolist(), rng, present=0.5, of_another=0.1, noise=0.3).numpy()
    present = np.abs(given).sum(1) > 0
    assert 0.45 < present.mean() < 0.55
    np.testing.assert_allclose(np.linalg.norm(given[present], axis=1), 1, atol=1e-5)
    own = given[present, indices[present]]
    assert 0.06 < (own < 0.5).mean() < 0.14  # another photo's
    assert own[own > 0.5].min() > 0.9 and own[own > 0.5].mean() < 0.999  # noisy
    exact = instructing_embeddings(clip, [3, 4], rng, present=1, of_another=0, noise=0)
    assert torch.equal(exact, torch.eye(SIZE)[[3, 4]])


def test_a_run_with_clip_makes_weights_that_name_it_and_take_its_word(with_clip, tmp_path, small_batches):
    from cliphaze_cli.dehazer import Dehazer
    from training.export import export
    from training.train import run_recipe

    path, prior = with_clip
    run_recipe(Recipe("tiny", 2, network=NETWORK), path, tmp_path / "run")
    export([tmp_path / "run" / "state.pt"], tmp_path / "w.safetensors")
    loaded = checkpoint.load(tmp_path / "w.safetensors")
    assert loaded.instructions == {"density", "embedding"}
    assert loaded.clip == ClipTraining(prior.name, "surgery", 16)
    assert loaded.network.config.embedding_size == 16
    dehazer = Dehazer.from_pretrained(weights=tmp_path / "w.safetensors", device="cpu", prior=prior)
    assert dehazer.instructor is not None and dehazer.instructor.embeds
    assert dehazer.dehaze(tiny_clip.half_foggy()).density_source == "clip"

    run_recipe(Recipe("tiny", 2, network=NETWORK), path.with_name("plain.npz"), tmp_path / "plain")
    export([tmp_path / "plain" / "state.pt"], tmp_path / "p.safetensors")
    plain = checkpoint.load(tmp_path / "p.safetensors")
    assert plain.instructions == {"density"} and plain.clip is None


def test_scoring_commands_take_clip(with_clip, random_weights, tmp_path, monkeypatch, capsys):
    import json

    import typer
    from PIL import Image

    from training import ablate, evaluate, synthetic_check

    for folder, shade in (("hazy", 1.2), ("clear", 3.0)):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for seed in range(3):
            pixels = np.round(255 * (1 - (1 - landscape(64, 96, seed)) * shade / 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / folder / f"{seed}.png")
    prior = with_clip[1]
    monkeypatch.setattr(ClipPrior, "from_cache", lambda *_, **__: prior)

    def psnr_of(**options: Any) -> float:
        evaluate.evaluate(tmp_path, weights=random_weights, as_json=True, **options)
        return json.loads(capsys.readouterr().out)["sets"]["set"]["psnr"]

    assert psnr_of(clip="tiny") != psnr_of()  # it instructs
    with pytest.raises(typer.BadParameter, match="--clip goes neither"):
        psnr_of(clip="tiny", wrong_maps=True)

    synthetic_check.check(tmp_path, weights=random_weights, clip="tiny")
    assert "| CLIP | " in capsys.readouterr().out

    scored = ablate._score(random_weights, tmp_path, "tiny")
    gain = scored["clip"]["set"]["psnr"] - scored["scores"]["set"]["psnr"]
    assert gain != 0 and ablate._row(
        "x",
        {
            **scored,
            "costs": scored["costs"] | {"clear": {"a": 0.0}},
            "scores": scored["scores"]
            | {"clear": {"psnr_in": None, "psnr": 1.0, "ciede2000": 1.0, "worst_gain": None}},
        },
    ).endswith(f"| {gain:+.2f} |")


def test_instructions_follow_from_the_recipe():
    base = Recipe("tiny", 2)
    assert base.instructions == {"density"}
    taught = base.taught_by(TAUGHT)
    assert taught.instructions == {"density", "embedding"} and taught.network.embedding_size == SIZE
    assert Recipe.from_dict(taught.to_dict()) == taught
    assert taught.override(["instructed.embedding=0"]).instructions == {"density"}
    assert taught.override(["instructed.present=0"]).instructions == {"embedding"}


@pytest.fixture
def ambiguous(tmp_path, monkeypatch) -> PhotoPack:
    """Photos of which half are veiled themselves, so that pixels do not tell veil from haze; the embedding does."""
    monkeypatch.setattr(batches, "SMALL_SHAPES", ((32, 48),))
    monkeypatch.setattr(batches, "LARGE_SHAPES", ())
    monkeypatch.setattr(batches, "PIXELS_PER_BATCH", 6 * 32 * 48)
    monkeypatch.setattr(recipes, "WARMUP_STEPS", 4)
    count, rng = 8, np.random.default_rng(0)
    veiled = np.arange(count) % 2 == 1
    scenes = [landscape(96, 128, i // 2) for i in range(count)]
    photos = [0.35 * scene + 0.65 * 0.85 if veil else scene for scene, veil in zip(scenes, veiled, strict=True)]
    embeddings = np.where(veiled, 1, -1)[:, None] * np.eye(1, SIZE) + 0.2 * rng.standard_normal((count, SIZE))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    unused = [np.zeros((1, 2, 2), np.uint8)] * count
    none = np.zeros((count, 1))
    clip = ClipPack(
        TAUGHT, embeddings.astype(np.float32), unused, none.astype(np.int64), none.astype(np.float32), HazeMix()
    )
    np.savez(
        tmp_path / "pack.npz",
        names=np.array([str(i) for i in range(count)]),
        places=np.ones(count, bool),
        shapes=np.array([(96, 128)] * count),
        photos=np.concatenate([np.round(255 * photo).astype(np.uint8).ravel() for photo in photos]),
        depths=np.full((1, count * 48 * 64), 128, np.uint8),
        **clip.arrays(),  # type: ignore[arg-type]
    )
    return PhotoPack(tmp_path / "pack.npz")


def loss_after_training(pack: PhotoPack, steps: int = 150, **instructed: float) -> float:
    """On batches of another seed, instructed in the same way; by nothing, if `instructed` says nothing."""
    assert pack.clip is not None
    mix = replace(HazeMix(**dict.fromkeys(vars(HazeMix()), 0.0)), dense=1.0, none=1.0, neutral=0.5)
    scenes = Scenes(levels=0.0, levels_of_things=0.0, blank=0.0)
    told = replace(Instructed(present=0.0, embedding=0.0, clip_maps=0.0, embedding_noise=0.1), **instructed)
    run = Recipe(
        "tiny", steps, 0, 1e-2, at_end=(), ema_decay=0.95, scenes=scenes, haze=mix, instructed=told, network=NETWORK
    )
    run = run.taught_by(TAUGHT)
    torch.manual_seed(0)
    trainer, data = Trainer(run, torch.device("cpu")), HazeBatches(pack, run)
    for step in range(steps):
        trainer.train_step([data[step]])
    trainer.network.load_state_dict(trainer.ema)
    unseen = HazeBatches(pack, replace(run, seed=99))
    with torch.no_grad():
        found = [
            dehazing_loss(K, B, batch, run.loss)[0]
            for batch in (unseen[i] for i in range(16))
            for K, B in [trainer.network(batch.hazy, batch.density, batch.embedding)]
        ]
    return float(torch.stack(found).mean())


def test_useful_instructions_lower_the_loss_and_useless_ones_do_not_raise_it(ambiguous):
    without = loss_after_training(ambiguous)
    assert loss_after_training(ambiguous, embedding=1.0, embedding_of_another=0.0) < 0.9 * without
    assert loss_after_training(ambiguous, embedding=1.0, embedding_of_another=1.0) < without + 0.02
    assert loss_after_training(ambiguous, present=1.0, useless=0.0, saturated=0.0) < 0.97 * without
    assert loss_after_training(ambiguous, present=1.0, useless=1.0) < without + 0.02
