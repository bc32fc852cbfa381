"""`cliphaze density` through its entry point: with a tiny CLIP in a cache of its own, and with the network."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cliphaze_cli.cli.app import main
from tests.cli.outcome import Outcome
from tests.cli.process import start

COMMIT = "0123456789abcdef0123456789abcdef01234567"


Density = Callable[..., Outcome]


@pytest.fixture
def density(
    tmp_path: Path, in_this_process: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Density:
    """Run `cliphaze density ARGUMENTS` in tmp_path, on a machine without weights from the Hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("cliphaze_cli.hub.cache.cache_root", lambda cache_dir: cache_dir or tmp_path / "hub")
    monkeypatch.setattr("cliphaze_cli.cli.first_use.is_offline", lambda: True)  # see test_first_use for the network

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cliphaze", "density", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return Outcome(int(exit.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def network(density: Density, doubling_weights: Path) -> Density:
    """The same with the network as judge; its weights say K = 1 everywhere, so its density is 1 - 1/2."""
    return lambda *arguments: density(*arguments, "--source", "model", "--weights", str(doubling_weights))


@pytest.fixture
def clip(density: Density, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Density]:
    """The same with a tiny random CLIP, which the registry names and the cache holds."""
    from safetensors.torch import save_file

    from tests.prior import tiny_clip

    weights = tmp_path / "hub" / "models--someone--tiny" / "snapshots" / COMMIT / "model.safetensors"
    weights.parent.mkdir(parents=True)
    save_file(tiny_clip.build(seed=3).state_dict(), weights)
    entry = {
        "name": f"{tiny_clip.NAME}:random",
        "kind": "clip",
        "default": True,
        "repo": "someone/tiny",
        "revision": COMMIT,
        "file": weights.name,
        "open_clip_model": tiny_clip.NAME,
        "open_clip_pretrained": "random",
    }
    registry = tmp_path / "registry" / "registry.json"
    registry.parent.mkdir()
    registry.write_text(json.dumps({"format": 1, "weights": [entry]}))
    monkeypatch.setenv("CLIPHAZE_REGISTRY", str(registry))
    with tiny_clip.known_by_name(registry.parent):
        yield lambda *arguments: density(*arguments, "--clip", tiny_clip.NAME)


@pytest.fixture
def titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles drawn into overlays."""
    from cliphaze_cli.imaging import density_map

    drawn: list[str] = []
    original = density_map.save_density

    def save_density(*arguments: Any, title: str, **options: Any) -> Any:
        drawn.append(title)
        return original(*arguments, title=title, **options)

    monkeypatch.setattr(density_map, "save_density", save_density)
    return drawn


def save(path: Path, size: tuple[int, int] = (48, 36), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 4, size[0] // 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size).save(path)


def values(path: Path) -> NDArray[np.float64]:
    with Image.open(path) as image:
        return np.asarray(image, np.float64) / 65535


def sources(result: Outcome, status: str = "done") -> list[str]:
    return [record["source"] for record in result.document["files"] if record["status"] == status]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_clip_maps_lie_beside_the_photo(tmp_path: Path, clip: Density, titles: list[str]) -> None:
    save(tmp_path / "photos/a.b.jpg")
    result = clip("photos/a.b.jpg", "--npy", "--json")
    assert result.code == 0, result.err
    assert names_in(tmp_path / "photos") == [
        "a.b.density-overlay.png",
        "a.b.density.npy",
        "a.b.density.png",
        "a.b.jpg",
    ]
    exact = np.load(tmp_path / "photos/a.b.density.npy")
    assert exact.shape == (36, 48) and exact.dtype == np.float32
    np.testing.assert_allclose(values(tmp_path / "photos/a.b.density.png"), exact, atol=1e-5)
    document = result.document
    assert document["clip"] == "cliphaze-tiny-test:random" and document["model"] is None
    assert document["clip_builder"] == "surgery" and document["failed"] == 0
    (record,) = document["files"]
    assert record["density_mean"] == pytest.approx(exact.mean(), abs=1e-5) and record["density_source"] == "clip"
    assert record["target"] == str(Path("photos/a.b.density.png"))
    assert [Path(path).name for path in record["density_files"]] == ["a.b.density-overlay.png", "a.b.density.npy"]
    assert titles == ["haze density (CLIP cliphaze-tiny-test:random, surgery)"]


def test_people_read_the_mean_on_stdout(tmp_path: Path, clip: Density) -> None:
    save(tmp_path / "a.png")
    result = clip("a.png")
    assert f"a.png: mean haze density {values(tmp_path / 'a.density.png').mean():.3f} (CLIP" in result.out
    save(tmp_path / "b.png")
    quiet = clip("b.png", "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_builder_and_prompts_reach_clip(tmp_path: Path, clip: Density) -> None:
    save(tmp_path / "a.png")
    maps = []
    for extra in ([], ["--builder", "maskclip"], ["--prompt-hazy", "a wall of smoke", "--prompt-hazy", "ash"]):
        result = clip("a.png", "--overwrite", "--json", *extra)
        assert result.code == 0, result.err
        maps.append(values(tmp_path / "a.density.png"))
    assert result.document["settings"]["prompt_hazy"] == ["a wall of smoke", "ash"]
    assert np.abs(maps[1] - maps[0]).max() > 1e-3
    assert np.abs(maps[2] - maps[0]).max() > 1e-3


def test_learned_prompts_take_the_place_of_texts(tmp_path: Path, clip: Density) -> None:
    import torch

    from cliphaze_cli.prior.prompt_file import LearnedPrompts, save_prompts
    from cliphaze_cli.prior.scoring import PromptEmbeddings
    from tests.prior.tiny_clip import NAME

    save(tmp_path / "a.png")
    hazy, clear = torch.eye(16)[:1], torch.eye(16)[1:2]
    maps = []
    for name, vectors in (("p", PromptEmbeddings(hazy, clear)), ("q", PromptEmbeddings(clear, hazy))):
        save_prompts(LearnedPrompts(vectors, f"{NAME}:random", "windows"), tmp_path / name)
        result = clip("a.png", "--overwrite", "--json", "--prompts", name)
        assert result.code == 0, result.err
        assert result.document["clip_builder"] == "windows"  # which they were learned for
        maps.append(values(tmp_path / "a.density.png"))
    np.testing.assert_allclose(maps[0] + maps[1], 1, atol=1e-3)
    save_prompts(LearnedPrompts(PromptEmbeddings(hazy, clear), "ViT-L-14:openai", "windows"), tmp_path / "other")
    result = clip("a.png", "--overwrite", "--prompts", "other")
    assert result.code == 2 and "were learned for CLIP 'ViT-L-14:openai'" in result.err
    assert clip("a.png", "--prompts", "p", "--prompt-hazy", "fog").code == 2


def test_maps_and_report_say_what_made_them(tmp_path: Path, clip: Density) -> None:
    from tests.prior.tiny_clip import NAME

    save(tmp_path / "a.png")
    document = clip("a.png", "--json", "--builder", "maskclip").document
    assert (document["clip"], document["clip_builder"]) == (f"{NAME}:random", "maskclip")
    for name in ("a.density.png", "a.density-overlay.png"):
        with Image.open(tmp_path / name) as image:
            assert image.info["Title"] == f"haze density (CLIP {NAME}:random, maskclip)"


def test_without_clip_it_says_how_to_get_it_and_what_else_there_is(tmp_path: Path, density: Density) -> None:
    save(tmp_path / "a.png")
    for source in ("auto", "clip"):
        result = density("a.png", "--source", source, "--output", "maps")
        assert result.code == 2 and result.out == ""
        assert len(result.err.splitlines()) == 1
        assert "cliphaze download-weights" in result.err
        assert "--source model" in result.err and "not CLIP" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_the_networks_estimate_is_never_called_clip(tmp_path: Path, network: Density, titles: list[str]) -> None:
    save(tmp_path / "a.png")
    result = network("a.png", "--json")
    assert result.code == 0, result.err
    np.testing.assert_allclose(values(tmp_path / "a.density.png"), 0.5, atol=1e-3)
    document = result.document
    assert document["clip"] is None and document["model"] == "doubling"
    assert document["files"][0]["density_source"] == "model"
    assert document["files"][0]["density_mean"] == pytest.approx(0.5, abs=1e-3)
    assert titles == ["haze density (network estimate, not CLIP)"]
    assert "(network estimate, not CLIP)" in network("a.png", "--overwrite").out


def test_a_folder_gives_a_map_for_each_photo_in_it(tmp_path: Path, network: Density) -> None:
    for name in ("photos/b.png", "photos/a.jpg", "photos/.hidden.png", "photos/sub/c.png"):
        save(tmp_path / name)
    (tmp_path / "photos/notes.txt").write_text("no photo")
    result = network("photos", "--output", "maps/new", "--json")
    assert result.code == 0, result.err
    assert sources(result) == ["photos/a.jpg", "photos/b.png"]
    assert names_in(tmp_path / "maps/new") == [
        "a.density-overlay.png",
        "a.density.png",
        "b.density-overlay.png",
        "b.density.png",
    ]


def test_maps_of_an_earlier_run_are_no_photos(tmp_path: Path, network: Density) -> None:
    save(tmp_path / "photos/a.png")
    assert network("photos").code == 0
    result = network("photos", "--overwrite", "--json")
    assert sources(result) == ["photos/a.png"]


def test_an_interruption_tells_what_is_done(tmp_path: Path, network: Density, monkeypatch: pytest.MonkeyPatch) -> None:
    from cliphaze_cli.dehazer import Dehazer

    for name in ("a", "b", "c"):
        save(tmp_path / f"photos/{name}.png")
    whole_maps = Dehazer.estimate_density

    def estimate(dehazer: Dehazer, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if seen:
            while not (tmp_path / "photos/a.density.png").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            raise KeyboardInterrupt
        seen.append("a")
        return whole_maps(dehazer, pixels)

    seen: list[str] = []
    deadline = time.monotonic() + 20
    monkeypatch.setattr(Dehazer, "estimate_density", estimate)
    result = network("photos", "--json")
    assert result.code == 130
    made = sources(result)
    assert made == ["photos/a.png"]
    assert "interrupted with 1 of 3 done" in result.err
    assert names_in(tmp_path / "photos") == ["a.density-overlay.png", "a.density.png", "a.png", "b.png", "c.png"]


def test_a_photo_given_twice_is_done_once(tmp_path: Path, network: Density) -> None:
    save(tmp_path / "photos/a.png")
    result = network("photos", "photos/a.png", "./photos/../photos/a.png", "--json")
    assert result.code == 0 and len(result.document["files"]) == 1


def test_one_bad_photo_does_not_stop_the_others(tmp_path: Path, network: Density) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"not a photo")
    save(tmp_path / "c.png")
    result = network("a.png", "b.jpg", "c.png", "--json")
    assert result.code == 1
    assert sources(result) == ["a.png", "c.png"]
    assert sources(result, "failed") == ["b.jpg"]
    assert result.err.count("b.jpg") == 1  # the reason names it, so the line does not name it again
    assert "2 mapped, 1 failed" in result.err and "Traceback" not in result.err
    assert (tmp_path / "c.density.png").exists() and not (tmp_path / "b.density.png").exists()


def test_existing_maps_are_kept_unless_told_otherwise(tmp_path: Path, network: Density) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "a.density-overlay.png").write_text("mine")
    result = network("a.png")
    assert result.code == 2 and "--overwrite" in result.err
    assert (tmp_path / "a.density-overlay.png").read_text() == "mine"
    assert not (tmp_path / "a.density.png").exists()
    assert network("a.png", "--overwrite").code == 0
    assert Image.open(tmp_path / "a.density-overlay.png").format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.png", "a.density.png", "--overwrite"], "is an input (a.density.png): give --output DIR"),
        ([""], "a path is empty"),
        (["a.png", "--output", ""], "a path is empty"),
        (["a.png", "missing.png"], "INPUT does not exist: missing.png"),
        (["a.png", "--output", "a.jpg"], "must be a folder"),
        (["blocked.png"], "in the way"),
    ],
)
def test_whatever_would_lose_work_is_refused_before_it_starts(
    tmp_path: Path, network: Density, arguments: list[str], reason: str
) -> None:
    for name in ("a.png", "a.jpg", "sub/a.png", "a.density.png", "blocked.png"):
        save(tmp_path / name)
    (tmp_path / "blocked.density.png").mkdir()
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    result = network(*arguments)
    assert result.code == 2 and reason in result.err
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--source", "oracle"], "--source must be one of auto, clip, model"),
        (["--builder", "tarot"], "--builder must be one of surgery, maskclip, windows"),
        (["--source", "model", "--prompt-hazy", "fog"], "leave them out with --source model"),
        (["--source", "model", "--builder", "surgery"], "leave them out with --source model"),
        (["--source", "model", "--weights", "missing.safetensors"], "not a file"),
        (["--weights", "mine.safetensors"], "give them with --source model"),
        (["--prompt-clear", " "], "blank"),
        (["--clip", "ViT-Z-99"], "ViT-Z-99"),
    ],
)
def test_contradictory_options_are_usage_errors(
    tmp_path: Path, density: Density, arguments: list[str], reason: str
) -> None:
    save(tmp_path / "a.png")
    result = density("a.png", *arguments)
    assert result.code == 2 and reason in result.err
    assert names_in(tmp_path) == ["a.png"]


def test_density_has_the_options_and_the_document_of_dehaze(tmp_path: Path, network: Density) -> None:
    save(tmp_path / "in/a.png")
    save(tmp_path / "in/sub/b.png")
    (tmp_path / "in/c.png").write_bytes(b"no photo")
    (tmp_path / "in/d.mp4").write_bytes(b"any")
    first = network("in", "-o", "maps", "--recursive", "--report", "r.json", "--json", "--npy")
    assert first.code == 1
    assert first.document == json.loads((tmp_path / "r.json").read_text())
    assert sources(first) == ["in/a.png", "in/sub/b.png"] and sources(first, "failed") == ["in/c.png"]
    assert first.document["command"] == "density" and first.document["left_out"] == {"video": 1}
    assert "density.npy" in " ".join(names_in(tmp_path / "maps/sub"))

    save(tmp_path / "in/c.png")
    retried = network("--retry", "r.json", "--json")
    assert retried.code == 0, retried.err
    assert sources(retried) == ["in/c.png"]
    assert (tmp_path / "maps/c.density.npy").exists()  # as the first run did

    (tmp_path / "maps/a.density.png").unlink()
    skipping = network("in", "-o", "maps", "--recursive", "--skip-existing", "--json")
    assert sources(skipping) == ["in/a.png"] and sources(skipping, "skipped") == ["in/c.png", "in/sub/b.png"]


def test_a_report_of_the_other_command_is_not_retried(tmp_path: Path, network: Density) -> None:
    (tmp_path / "a.png").write_bytes(b"no photo")
    assert network("a.png", "--report", "r.json").code == 1
    text = (tmp_path / "r.json").read_text().replace('"density"', '"dehaze"', 1)
    (tmp_path / "r.json").write_text(text)
    result = network("--retry", "r.json")
    assert result.code == 2 and "no report of `cliphaze density`" in result.err


def test_maps_in_processes_of_their_own(tmp_path: Path, doubling_weights: Path) -> None:
    for name in ("a", "b", "c"):
        save(tmp_path / f"in/{name}.png")
    options = ("--source", "model", "--weights", doubling_weights, "--jobs", "2", "--json")
    process = start("density", "in", *options, cwd=tmp_path)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert [record["status"] for record in json.loads(out)["files"]] == ["done"] * 3
    np.testing.assert_allclose(values(tmp_path / "in/b.density.png"), 0.5, atol=1e-3)
