"""`cliphaze dehaze` through its entry point, with small random weights whose effect is known."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.dehazing import Dehaze, files_in, level, save


def test_a_folder_is_dehazed_and_mirrored(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.png", 50)
    save(tmp_path / "in/sub/b.png", 100)
    (tmp_path / "in/notes.txt").write_text("no photo")
    result = dehaze("in", "out", "--recursive")
    assert result.code == 0
    assert result.out == ""
    assert "2 dehazed" in result.err
    assert files_in(tmp_path / "out") == ["a.png", "sub/b.png"]
    assert level(tmp_path / "out/a.png") == pytest.approx(100, abs=1)
    assert level(tmp_path / "out/sub/b.png") == pytest.approx(200, abs=1)


def test_strength_blends(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "a.png", 60)
    assert dehaze("a.png", "half.png", "--strength", "0.5").code == 0
    assert dehaze("a.png", "none.png", "--strength", "0").code == 0
    assert level(tmp_path / "half.png") == pytest.approx(90, abs=1)
    assert level(tmp_path / "none.png") == 60


def test_one_bad_file_among_good_ones_is_told_and_the_rest_is_done(tmp_path: Path, dehaze: Dehaze) -> None:
    for name in ("a.png", "c.png"):
        save(tmp_path / "in" / name)
    (tmp_path / "in/b.png").write_bytes(b"not an image")
    result = dehaze("in", "out", "--json")
    assert result.code == 1
    assert files_in(tmp_path / "out") == ["a.png", "c.png"]
    document = result.document
    assert [record["status"] for record in document["files"]] == ["done", "failed", "done"]
    assert (document["done"], document["failed"], document["skipped"]) == (2, 1, 0)
    assert document["files"][1]["reason"]
    assert "Traceback" not in result.err
    failures = [line for line in result.err.splitlines() if line.startswith("cliphaze: error:")]
    assert len(failures) == 1
    assert "b.png" in failures[0]
    assert "2 dehazed, 1 failed" in result.err


def test_json_says_what_was_used(tmp_path: Path, dehaze: Dehaze, doubling_weights: Path) -> None:
    save(tmp_path / "a.png")
    document = dehaze("a.png", "out", "--json", "--device", "cpu", "--resolution", "64").document
    assert document["model"] == "doubling"
    assert len(document["weights_sha256"]) == 64
    assert (document["device"], document["precision"], document["resolution"]) == ("cpu", "fp32", 64)
    assert document["clip"] is None
    (record,) = document["files"]
    assert (record["source"], record["target"]) == ("a.png", str(Path("out/a.png")))
    assert (record["width"], record["height"]) == (40, 30)
    assert record["density_mean"] == pytest.approx(0.5, abs=1e-3)  # 1 - 1 / (1 + K)
    assert record["density_source"] == "model"
    assert record["seconds"] > 0


def test_a_clip_that_was_asked_for_and_is_not_here_is_an_error(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", "--clip", "ViT-B-32")
    assert result.code == 2
    assert "cliphaze download-weights" in result.err
    assert not (tmp_path / "out").exists()


def test_existing_outputs(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.png")
    save(tmp_path / "in/b.png")
    save(tmp_path / "out/a.png", 7)
    refused = dehaze("in", "out")
    assert refused.code == 2
    assert "--skip-existing" in refused.err
    assert not (tmp_path / "out/b.png").exists()

    skipped = dehaze("in", "out", "--skip-existing", "--json")
    assert skipped.code == 0
    assert [record["status"] for record in skipped.document["files"]] == ["skipped", "done"]
    assert level(tmp_path / "out/a.png") == 7

    nothing_left = dehaze("in", "out", "--skip-existing")
    assert nothing_left.code == 0
    assert "nothing to do" in nothing_left.err

    assert dehaze("in", "out", "--overwrite").code == 0
    assert level(tmp_path / "out/a.png") == pytest.approx(120, abs=1)


def test_density_maps_lie_beside_the_photo_and_are_named(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.jpg", 60)
    result = dehaze("in", "out", "--density", "--json")
    assert result.code == 0
    assert files_in(tmp_path / "out") == ["a.density-overlay.png", "a.density.png", "a.jpg"]
    with Image.open(tmp_path / "out/a.density.png") as density:
        assert density.size == (40, 30)
        assert np.asarray(density).mean() == pytest.approx(65535 / 2, rel=0.01)
    named = result.document["files"][0]["density_files"]
    assert sorted(Path(path).name for path in named) == ["a.density-overlay.png", "a.density.png"]


def test_comparisons_lie_beside_the_photos_and_are_named(tmp_path: Path, dehaze: Dehaze) -> None:
    for name in ("a.jpg", "b.png"):
        save(tmp_path / "in" / name, 60)
    result = dehaze("in", "out", "--compare", "--density", "--json", "--report", "r.json")
    assert result.code == 0
    assert {"a.compare.jpg", "b.compare.jpg"} <= set(files_in(tmp_path / "out"))
    first = result.document["files"][0]
    assert Path(first["comparison"]) == Path("out/a.compare.jpg") and len(first["density_files"]) == 2
    with Image.open(tmp_path / "out/a.compare.jpg") as picture:
        pixels = np.asarray(picture).astype(int)
    assert pixels.shape == (30 * 2 + 4, 40, 3)
    assert pixels[0, 0, 0] == pytest.approx(60, abs=9) and pixels[-1, -1, 0] == pytest.approx(120, abs=9)
    (tmp_path / "out/b.png").unlink()
    report = tmp_path / "r.json"
    report.write_text(report.read_text().replace('"done"', '"failed"'))
    assert dehaze("--retry", "r.json").code == 2  # a and the comparisons are there
    assert dehaze("--retry", "r.json", "--skip-existing").code == 0
    (tmp_path / "out/b.compare.jpg").unlink()
    assert dehaze("--retry", "r.json", "--overwrite").code == 0
    assert (tmp_path / "out/b.compare.jpg").exists()  # the run that is repeated compared


def test_a_sheet_shows_the_photos_of_a_run(tmp_path: Path, dehaze: Dehaze) -> None:
    for name in ("a.jpg", "b.png"):
        save(tmp_path / "in" / name, 60)
    assert dehaze("in", "out", "--compare-sheet", "in/a.jpg", "--overwrite").code == 2
    result = dehaze("in", "out", "--compare-sheet", "new/sheet.jpg", "-v")
    assert result.code == 0 and "on new/sheet.jpg" in result.err
    with Image.open(tmp_path / "new/sheet.jpg") as picture:
        assert picture.width > 1200
    refused = dehaze("in", "out2", "--compare-sheet", "new/sheet.jpg")
    assert refused.code == 2 and "sheet.jpg exists already" in refused.err and not (tmp_path / "out2").exists()
    assert dehaze("in", "out", "--compare-sheet", "none.jpg", "--skip-existing").code == 0
    assert not (tmp_path / "none.jpg").exists()  # nothing was done
    assert dehaze("in/a.jpg", "-", "--compare-sheet", "none.jpg").code == 2


def test_format_quality_and_suffix(tmp_path: Path, dehaze: Dehaze) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    Image.fromarray(rng.integers(0, 120, (64, 64, 3), np.uint8)).save(tmp_path / "in/a.png")
    for quality in ("10", "95"):
        assert dehaze("in", f"out{quality}", "--format", "jpg", "--quality", quality, "--suffix", "_clear").code == 0
        assert files_in(tmp_path / f"out{quality}") == ["a_clear.jpg"]
    sizes = [(tmp_path / f"out{quality}/a_clear.jpg").stat().st_size for quality in ("10", "95")]
    assert sizes[0] < sizes[1] / 2


def test_a_folder_of_like_photos_gives_one_notice(tmp_path: Path, dehaze: Dehaze) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.new("CMYK", (20, 20), (10, 20, 30, 40)).save(tmp_path / "in" / name)
    result = dehaze("in", "out", "--no-clip")
    (notice,) = [line for line in result.err.splitlines() if line.startswith("note:")]
    assert "2 files" in notice
    assert "CMYK" in notice


def test_quiet_prints_only_failures_and_verbose_every_file(tmp_path: Path, dehaze: Dehaze) -> None:
    save(tmp_path / "in/a.png")
    assert dehaze("in", "quiet", "--quiet").err == ""
    assert "a.png" in dehaze("in", "loud", "--verbose").err
    (tmp_path / "in/b.png").write_bytes(b"")
    failing = dehaze("in", "quiet2", "-q")
    assert failing.code == 1
    assert len(failing.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--strength", "1.5"), "--strength must lie between 0"),
        (("--strength", "nan"), "--strength must lie between 0"),
        (("--quality", "0"), "--quality must lie between 1 and 100"),
        (("--resolution", "63"), "--resolution must be auto, full, or at least 64 pixels"),
        (("--resolution", "big"), "--resolution must be auto, full, or at least 64 pixels"),
        (("--device", "tpu"), "--device must be auto, cpu"),
        (("--precision", "int8"), "--precision must be one of"),
        (("--format", "gif"), "--format must be JPEG"),
        (("--clip", "ViT-B-32", "--no-clip"), "--clip and --no-clip contradict"),
        (("--quiet", "--verbose"), "--quiet and --verbose contradict"),
        (("--overwrite", "--skip-existing"), "--overwrite and --skip-existing contradict"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(
    tmp_path: Path, dehaze: Dehaze, arguments: tuple[str, ...], complaint: str
) -> None:
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", *arguments)
    assert result.code == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 1
    assert complaint in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("a.png", "b.png", "c.png"), "for several photos name a folder"),
        (("a.png", "b.png", "new.png"), "name a folder here"),
        (("a.png", "b.png", "-"), "- stands for one photo"),
        (("", "out"), "a path is empty"),
        (("a.png", ""), "a path is empty"),
    ],
)
def test_what_shells_make_of_stars_and_unset_variables(
    tmp_path: Path, dehaze: Dehaze, arguments: tuple[str, ...], complaint: str
) -> None:
    for name in "abc":
        save(tmp_path / f"{name}.png")
    before = sorted(tmp_path.iterdir())
    result = dehaze(*arguments)
    assert result.code == 2
    assert complaint in result.err and len(result.err.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_missing_input_and_missing_weights(tmp_path: Path, dehaze: Dehaze) -> None:
    assert "INPUT does not exist" in dehaze("nowhere", "out").err
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", weights=tmp_path / "none.safetensors")
    assert result.code == 2
    assert "none.safetensors" in result.err


def test_an_output_folder_that_vanishes_fails_those_files(
    tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be made anew: under an unplugged drive's mount point that would fill the wrong disk."""
    from cliphaze_cli.imaging import files
    from cliphaze_cli.imaging.photo import Photo

    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name)
    read = files.read

    def unplug(path: Path, **options: Any) -> Photo:
        if (tmp_path / "out").exists():
            (tmp_path / "out").rmdir()
        return read(path, **options)

    monkeypatch.setattr(files, "read", unplug)
    result = dehaze("in", "out", "--json")
    assert result.code == 1
    assert [record["status"] for record in result.document["files"]] == ["failed", "failed"]
    assert not (tmp_path / "out").exists()


class FakePrior:
    """Stands for CLIP: hazy on the left, clear on the right."""

    name, sha256, builders, embedding_size = "ViT-Fake", "0" * 64, ("windows",), 512

    def density(self, pixels: Any, *, builder: str) -> Any:
        assert builder == "windows"
        return np.array([[1.0, 0.0]], np.float32)


@pytest.fixture
def clip_is_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with CLIP in the cache; which models were loaded."""
    from cliphaze_cli.prior import clip_model

    asked: list[str] = []

    def from_cache(model: str, **options: Any) -> FakePrior:
        asked.append(model)
        return FakePrior()

    monkeypatch.setattr(clip_model, "clip_available", lambda model: True)
    monkeypatch.setattr(clip_model.ClipPrior, "from_cache", from_cache)
    return asked


def test_clip_is_not_used_unless_it_is_asked_for_whatever_is_in_the_cache(
    tmp_path: Path, dehaze: Dehaze, clip_is_here: list[str]
) -> None:
    save(tmp_path / "a.png")
    for number, options in enumerate(((), ("--density",), ("--no-clip",))):
        result = dehaze("a.png", f"{number}", "--json", "-v", *options)
        assert (result.document["clip"], result.document["clip_builder"]) == (None, None)
        assert result.document["files"][0]["density_source"] == "model"
        assert "no CLIP" in result.err
    assert clip_is_here == []
    with Image.open(tmp_path / "1" / "a.density.png") as image:
        assert image.info["Title"] == "haze density (network estimate, not CLIP)"


def test_what_instructed_is_said_in_detail_report_and_maps(
    tmp_path: Path, dehaze: Dehaze, doubling_weights: Path, clip_is_here: list[str]
) -> None:
    from cliphaze_cli.network import checkpoint

    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name)
    result = dehaze("in", "clip", "--json", "-v", "--density", "--clip", "ViT-B-32")
    document = result.document
    assert (document["clip"], document["clip_sha256"]) == ("ViT-Fake", FakePrior.sha256)
    assert (document["clip_builder"], document["clip_embedding"]) == ("windows", False)
    assert document["files"][0]["density_source"] == "clip"
    assert document["files"][0]["density_mean"] == pytest.approx(0.5)
    assert "instructed by CLIP ViT-Fake (windows map)" in result.err
    assert result.err.count("it is built from sliding windows") == 1  # for a tower without patch tokens, once
    with Image.open(tmp_path / "clip" / "a.density.png") as image:
        assert image.info["Title"] == "haze density (CLIP ViT-Fake, windows)"
    assert dehaze("in/a.png", "other", "--clip", "auto").code == 0
    assert clip_is_here == ["ViT-B-32", "ViT-B-32"]
    assert dehaze("in/a.png", "no", "--clip", "ViT-B-32", "--builder", "surgery").code == 2
    asked = clip_is_here.copy()

    untaught = tmp_path / "untaught.safetensors"
    checkpoint.save(checkpoint.load(doubling_weights).network, untaught, name="untaught", instructions=frozenset())
    result = dehaze("in/a.png", "untaught", "--clip", "ViT-B-32", weights=untaught)
    assert result.code == 0
    assert "--clip changes nothing" in result.err
    assert clip_is_here == asked


def test_auto_is_the_clip_that_taught_the_weights(
    tmp_path: Path, dehaze: Dehaze, doubling_weights: Path, clip_is_here: list[str]
) -> None:
    from cliphaze_cli.network import checkpoint
    from cliphaze_cli.network.clip_training import ClipTraining

    save(tmp_path / "a.png")
    network, clip = checkpoint.load(doubling_weights).network, ClipTraining("ViT-B-32:laion2b_s34b_b79k", "windows", 8)
    both = frozenset({"density", "embedding"})
    checkpoint.save(network, tmp_path / "w.safetensors", name="taught", instructions=both, clip=clip)
    result = dehaze("a.png", "out", "--clip", "auto", weights=tmp_path / "w.safetensors")
    assert clip_is_here == ["ViT-B-32:laion2b_s34b_b79k"]
    assert result.code == 2 and "take the embedding of CLIP ViT-B-32:laion2b_s34b_b79k" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("jobs", ["1", "2", "5"])
def test_several_photos_at_a_time_make_what_one_at_a_time_makes(tmp_path: Path, real_dehaze: Dehaze, jobs: str) -> None:
    names = [f"{number}.png" for number in range(9)]
    for number, name in enumerate(names):
        save(tmp_path / "in" / name, 10 * number)
    (tmp_path / "in/3.png").write_bytes(b"no photo")
    result = real_dehaze("in", "out", "--json", "--density", "--jobs", jobs)
    assert result.code == 1
    assert [(Path(one["source"]).name, one["status"]) for one in result.document["files"]] == [
        (name, "failed" if name == "3.png" else "done") for name in names
    ]
    for number in (0, 1, 2, 4, 5, 6, 7, 8):
        assert level(tmp_path / f"out/{number}.png") == pytest.approx(20 * number, abs=1)
    assert len(files_in(tmp_path / "out")) == 8 * 3


@pytest.mark.parametrize("jobs", ["0", "-1", "1000"])
def test_impossible_jobs(tmp_path: Path, dehaze: Dehaze, jobs: str) -> None:
    save(tmp_path / "a.png")
    result = dehaze("a.png", "out", "--jobs", jobs)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "--jobs must lie between 1 and 256" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed by a shell")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_streams_that_a_service_has_closed(tmp_path: Path, doubling_weights: Path, jobs: str) -> None:
    """Their numbers must not go to the pipes of the processes that read and dehaze."""
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, 60)
    command = [sys.executable, "-m", "cliphaze_cli", "dehaze", "in", "out", "--no-clip", "--jobs", jobs]
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command, "--weights", str(doubling_weights)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    assert subprocess.run(shell, check=False, cwd=tmp_path, env=environment).returncode == 0
    assert level(tmp_path / "out/a.png") == pytest.approx(120, abs=1)
    assert files_in(tmp_path / "out") == ["a.png", "b.png"]
