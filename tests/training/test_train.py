"""Training, resuming, exporting and scoring, with a network so small that it takes seconds."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.config import VARIANTS, CLIPHazeConfig
from tests.training.commands import run
from tests.training.conftest import use_small_batches
from tests.training.scenes import hazy, landscape
from training import recipe as recipes
from training import train as training
from training.batches import HazeBatches, PhotoPack
from training.evaluate import evaluate
from training.export import DENSITY_WEIGHTS, export
from training.losses import dehazing_loss
from training.pairs import find_sets, read_rgb
from training.recipe import Instructed, LossWeights, Recipe
from training.wrong_maps import WRONG_MAPS, costs

STEPS = 48


@pytest.fixture(scope="module", autouse=True)
def small_setting():
    """A variant "mini", and a schedule that suits a handful of steps."""
    mini = CLIPHazeConfig(width=8, blocks=(1, 1, 1, 1, 1), stem=4, embedding_size=8)
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_small_batches(monkeypatch)
        monkeypatch.setitem(VARIANTS, "mini", mini)
        monkeypatch.setattr(recipes, "WARMUP_STEPS", 4)
        monkeypatch.setattr(training, "REPORT_EVERY", 12)
        yield


def train(pack, folder, **options):
    training.train(pack, folder, **{"variant": "mini", "steps": STEPS, "learning_rate": 5e-3, **options})
    return torch.load(folder / "state.pt", weights_only=True)


@pytest.fixture(scope="module")
def finished(pack, tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("run")
    train(pack, folder)
    return folder


@pytest.fixture(scope="module")
def weights(finished):
    """The finished run's weights, exported."""
    path = finished / "mini.safetensors"
    export([finished / "state.pt"], path)
    return path


def assert_same(found, expected):
    torch.testing.assert_close(found["ema"], expected["ema"], rtol=0, atol=0)
    torch.testing.assert_close(found["network"], expected["network"], rtol=0, atol=0)
    assert found["step"] == expected["step"]


def test_training_lowers_the_loss_on_unseen_batches(pack, weights):
    network = checkpoint.load(weights).network
    data = HazeBatches(PhotoPack(pack), Recipe("mini", 12, seed=99))
    batches = [data[i] for i in range(12)]

    def mean_loss(estimate):
        maps = [estimate(batch) for batch in batches]
        return np.mean(
            [float(dehazing_loss(K, B, batch, LossWeights())[0]) for (K, B), batch in zip(maps, batches, strict=True)]
        )

    untrained = mean_loss(lambda batch: (torch.zeros_like(batch.hazy), torch.zeros_like(batch.hazy)))
    assert mean_loss(lambda batch: network(batch.hazy, batch.density)) < 0.95 * untrained


def test_the_log(finished):
    lines = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [12, 24, 36, 48]
    assert all(np.isfinite(list(line.values())).all() for line in lines)
    assert {"loss", "psnr", "psnr_in", "gradient", "seconds"} <= lines[0].keys()


def test_an_interrupted_run_ends_where_an_unbroken_one_ends(pack, finished, tmp_path, monkeypatch):
    save = training._save_atomically

    def save_and_be_interrupted(state, path):
        save(state, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "_save_atomically", save_and_be_interrupted)
        train(pack, tmp_path / "run", save_every=10)
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] == 10
    assert_same(train(pack, tmp_path / "run", save_every=10), torch.load(finished / "state.pt", weights_only=True))


def test_a_finished_run_is_left_alone(pack, finished):
    before = torch.load(finished / "state.pt", weights_only=True)
    assert_same(train(pack, finished), before)


def test_a_run_may_start_from_finished_weights(pack, weights, tmp_path):
    state = train(pack, tmp_path / "run", steps=1, start_from=weights, learning_rate=1e-9)
    assert state["step"] == 1
    for name, value in checkpoint.load(weights).network.state_dict().items():
        torch.testing.assert_close(state["network"][name], value, rtol=1e-4, atol=1e-6)


def test_the_mean_of_runs_with_several_seeds(pack, weights, tmp_path):
    training.train(pack, tmp_path, variant="mini", steps=3, seed=5, seeds=2, start_from=weights, learning_rate=5e-3)
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("5", "6")]
    alone = train(pack, tmp_path / "alone", steps=3, seed=6, start_from=weights)
    torch.testing.assert_close(states[1]["ema"], alone["ema"], rtol=0, atol=0)
    made = checkpoint.load(tmp_path / "weights.safetensors")
    assert made.training["seeds"] == [5, 6] and made.training["started_from"]["trained_steps"] == STEPS
    for name, value in made.network.state_dict().items():
        first, second = (state["ema"][name] for state in states)
        trust = Instructed().trust if name.endswith(DENSITY_WEIGHTS) else 1
        torch.testing.assert_close(value, trust * (first + second) / 2)
    assert any(not torch.equal(states[0]["ema"][name], states[1]["ema"][name]) for name in states[0]["ema"])


def test_processes_share_the_batches_of_a_step(pack, tmp_path):
    two = {"steps": 5, "settings": ["batches_per_step=2"]}
    alone = train(pack, tmp_path / "alone", **two)
    shared = train(pack, tmp_path / "shared", processes=2, save_every=2, **two)
    assert shared["step"] == alone["step"] == 5
    torch.testing.assert_close(shared["network"], alone["network"], rtol=1e-3, atol=1e-5)
    one_batch = train(pack, tmp_path / "one", steps=5)
    largest = max(float((one_batch["network"][n] - w).abs().max()) for n, w in alone["network"].items())
    assert largest > 1e-3  # the second batch counts


def test_processes_share_evenly(pack, tmp_path):
    with pytest.raises(typer.BadParameter, match="--set batches_per_step=3"):
        train(pack, tmp_path / "run", processes=3, settings=["batches_per_step=2"])
    with pytest.raises(typer.BadParameter, match="on CPUs only"):
        train(pack, tmp_path / "run", processes=2, settings=["batches_per_step=2"], device="cuda")


def test_runs_of_other_recipes_have_no_mean(pack, finished, tmp_path):
    train(pack, tmp_path / "run", steps=2)
    with pytest.raises(typer.BadParameter, match="seed alone"):
        export([finished / "state.pt", tmp_path / "run" / "state.pt"], tmp_path / "w.safetensors")
    assert not (tmp_path / "w.safetensors").exists()


def test_weights_tell_what_they_started_from(pack, finished, weights, tmp_path):
    train(pack, tmp_path / "run", steps=2, start_from=weights)
    made = checkpoint.load(tmp_path / "run/weights.safetensors")
    assert made.training["started_from"]["trained_steps"] == STEPS and made.training["trained_steps"] == 2
    other = finished / "other.safetensors"
    first = checkpoint.load(weights)
    checkpoint.save(first.network, other, name="mini", training={**first.training, "seed": 9})
    with pytest.raises(typer.BadParameter, match="started from other weights"):
        train(pack, tmp_path / "run", steps=2, start_from=other)


def test_a_run_is_not_resumed_by_another_recipe(pack, finished):
    with pytest.raises(typer.BadParameter, match="another recipe"):
        train(pack, finished, settings=["haze.dense=0.5"])
    with pytest.raises(typer.BadParameter, match="only --steps may change"):
        train(pack, finished, steps=2 * STEPS)  # it has decayed


def test_a_run_that_has_not_begun_to_decay_may_be_made_longer(pack, tmp_path, monkeypatch):
    long = train(pack, tmp_path / "long", steps=40)
    save = training._save_atomically

    def save_and_be_interrupted(state, path):
        save(state, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "_save_atomically", save_and_be_interrupted)
        train(pack, tmp_path / "run", steps=20, save_every=12)  # which decays from step 14 on
    assert_same(train(pack, tmp_path / "run", steps=40), long)


def test_the_learning_rate_warms_up_and_decays():
    recipe = Recipe("mini", steps=1000, seed=0, learning_rate=0.1)
    rates = [recipe.learning_rate_at(step) for step in range(1000)]
    peak = int(np.argmax(rates))
    assert peak == recipes.WARMUP_STEPS - 1 and rates[peak] == pytest.approx(0.1, rel=0.01)
    falls_from = round((1 - recipe.decay) * 1000)
    assert np.all(np.diff(rates[:peak]) > 0) and np.all(np.diff(rates[falls_from + 1 :]) < 0)
    assert set(rates[peak:falls_from]) == {rates[peak]}
    assert 0 < rates[-1] < 0.002 * 0.1


def test_runs_of_any_length_begin_alike():
    short, long = (Recipe("mini", steps=steps, seed=0, learning_rate=0.1) for steps in (1000, 5000))
    assert all(short.learning_rate_at(step) == long.learning_rate_at(step) for step in range(700))


@pytest.mark.parametrize("finite", [True, False])
def test_gradients_that_overflow_change_nothing(pack, finite):
    trainer = training.Trainer(Recipe("mini", STEPS, 0, 1e-3), torch.device("cpu"))
    before = {name: p.clone() for name, p in trainer.network.named_parameters()}
    trainer.network.head.weight.register_hook(lambda gradient: gradient if finite else gradient * torch.inf)
    trainer.train_step([HazeBatches(PhotoPack(pack), Recipe("mini", 1))[0]])
    assert trainer.step == 1
    unchanged = [torch.equal(p, before[name]) for name, p in trainer.network.named_parameters()]
    assert not any(unchanged[-2:]) if finite else all(unchanged)  # the head comes last
    assert all(value.isfinite().all() for value in trainer.ema.values())


def test_weight_decay_spares_biases_norms_and_the_states_decay():
    network = training.Trainer(Recipe("mini", 1, 0, 1e-3), torch.device("cpu")).network
    decayed, spared = (group["params"] for group in training._parameter_groups(network, 0.1))
    names = {id(p): name for name, p in network.named_parameters()}
    assert len(decayed) + len(spared) == len(names)
    assert {names[id(p)].rsplit(".", 1)[-1] for p in decayed} <= {"weight", "delta_weight"}
    assert {names[id(p)].rsplit(".", 1)[-1] for p in spared} == {"weight", "bias", "delta_bias", "log_A", "D"}


def test_export_carries_the_average_and_the_recipe(finished, weights):
    state = torch.load(finished / "state.pt", weights_only=True)
    loaded = checkpoint.load(weights)
    trust = Instructed().trust
    average = {n: trust * v if n.endswith("cam.explicit.weight") else v for n, v in state["ema"].items()}
    torch.testing.assert_close(dict(loaded.network.state_dict()), average, rtol=0, atol=0)
    assert loaded.name == "mini" and loaded.instructions == {"density"}
    assert loaded.training["trained_steps"] == STEPS and loaded.training["seed"] == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A set of two pairs and a set of one clear photo."""
    root = tmp_path_factory.mktemp("data")
    for folder in ("pairs/hazy", "pairs/clear", "clear"):
        (root / folder).mkdir(parents=True)
    for seed in range(2):
        clear = landscape(64, 80, seed)
        for folder, name, image in (("hazy", f"{seed}_1.0.png", hazy(clear, 1.0)), ("clear", f"{seed}.png", clear)):
            Image.fromarray(np.round(255 * image).astype(np.uint8)).save(root / "pairs" / folder / name)
    Image.fromarray(np.round(255 * landscape(64, 80, 5)).astype(np.uint8)).save(root / "clear" / "5.png")
    return root


def score(*arguments) -> str:
    result = run(evaluate, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_scores_of_exported_weights(data, weights):
    document = json.loads(score(data, "--weights", weights, "--json"))
    pairs, clear = document["sets"]["pairs"], document["sets"]["clear"]
    assert pairs["images"] == 2 and clear["images"] == 1
    assert 5 < pairs["psnr_in"] < 25 and pairs["psnr"] != pairs["psnr_in"]
    assert pairs["worst_image"] in ("0_1.0.png", "1_1.0.png")
    assert pairs["worst_tenth"] == pairs["worst_gain"] < pairs["psnr"] - pairs["psnr_in"]  # of two images, one
    assert clear["psnr_in"] is None and clear["worst_gain"] is None and clear["psnr"] == clear["worst_tenth"] > 10
    assert document["versions"]["torch"] and document["resolution"] == "auto"


def test_trials_differ_by_what_they_change_alone(pack, data, weights, tmp_path, capsys):
    from training.ablate import ablate

    def rows(*trials):
        ablate(pack, data, tmp_path, list(trials), start_from=weights, variant="mini", steps=3)
        return dict(line.split("|", 2)[1:] for line in capsys.readouterr().out.splitlines())

    first = rows("baseline", "again:", "no haze: haze.outdoor=0 haze.dense=0 haze.smoke=0 haze.light=0 haze.room=0")
    assert first[" baseline "] == first[" again "] != first[" no haze "]
    kept = (tmp_path / "baseline" / "state.pt").stat().st_mtime_ns
    assert rows("baseline") == {" baseline ": first[" baseline "]}
    assert (tmp_path / "baseline" / "state.pt").stat().st_mtime_ns == kept
    with pytest.raises(ValueError, match=r"haze\.fog"):
        rows("new", "typo: haze.fog=1")
    assert not (tmp_path / "new").exists()


def test_wrong_maps_have_their_costs_in_a_table(data, weights):
    table = [line.split("|")[1:-1] for line in score(data, "--weights", weights, "--wrong-maps").splitlines()]
    assert [cell.strip() for cell in table[0]] == ["set", *WRONG_MAPS]
    rows = {cells[0].strip(): [float(cell) for cell in cells[1:]] for cells in table[2:]}
    assert set(rows) == {"clear", "pairs"} and all(len(costs) == len(WRONG_MAPS) for costs in rows.values())


def test_what_a_wrong_map_costs_is_told_from_a_gain(data, weights, monkeypatch):
    # A network that gives the truth as soon as it has a map, whatever it says.
    dehazer = Dehazer.from_pretrained(weights=weights)
    pairs = find_sets(data)[1]
    truths = {read_rgb(hazy).tobytes(): read_rgb(clear) for hazy, clear in pairs.pairs}
    dehaze = dehazer.dehaze

    def perfect_with_a_map(pixels, *, density=None):
        result = dehaze(pixels)
        return result if density is None else replace(result, image=truths[pixels.tobytes()])

    monkeypatch.setattr(dehazer, "dehaze", perfect_with_a_map)
    found = costs(dehazer, pairs)
    assert set(found) == set(WRONG_MAPS) and all(cost < -50 for cost in found.values())  # perfection is 100 dB


def test_scores_of_a_tools_outputs(data, tmp_path):
    # A perfect tool on one set, and one that changes nothing on the other.
    for name, sources in (("pairs", "pairs/clear"), ("clear", "clear")):
        (tmp_path / name).mkdir()
        for source in (data / sources).iterdir():
            stem = f"{source.stem}_1.0" if name == "pairs" else source.stem
            (tmp_path / name / f"{stem}.png").write_bytes(source.read_bytes())
    table = score(data, "--outputs", tmp_path)
    assert "| clear | 1 | - | 100.00 | 1.0000 | 0.00 |" in table
    assert "| 100.00 | 1.0000 | 0.00 | +" in table
    assert "scikit-image" in table


def test_outputs_that_are_not_there_are_named(data, tmp_path):
    result = run(evaluate, data, "--outputs", tmp_path)
    assert result.exit_code != 0 and "no output for" in " ".join(result.output.split())
