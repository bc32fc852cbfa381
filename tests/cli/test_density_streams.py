"""`cliphaze density -`: the mean of a photo from standard input; maps only where they are asked for."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from cliphaze_cli.cli.app import main
from tests.cli.dehazing import files_in, save
from tests.cli.outcome import Outcome
from tests.corpus.case import saved

MEAN = "standard input: mean haze density 0.500 (network estimate, not CLIP)"

Run = Callable[..., Outcome]


def send(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture
def density(cliphaze: Run, in_this_process: None, doubling_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `cliphaze density ARGUMENTS` with a photo on standard input and the network as judge."""

    def run(*arguments: str) -> Outcome:
        send(monkeypatch, saved(Image.new("RGB", (40, 30), (60, 60, 60)), "PNG"))
        return cliphaze("density", *arguments, "--source", "model", "--weights", str(doubling_weights))

    return run


def test_the_mean_is_printed_and_nothing_is_left(tmp_path: Path, density: Run) -> None:
    result = density("-")
    assert (result.code, result.out) == (0, f"{MEAN}\n")
    assert "1 mapped" in result.err
    result = density("-", "--json")
    (record,) = result.document["files"]
    assert (record["source"], record["target"], record["density_files"]) == ("standard input", None, [])
    assert record["density_mean"] == pytest.approx(0.5, abs=1e-3)
    assert files_in(tmp_path) == []


def test_maps_lie_in_the_folder_that_is_named(tmp_path: Path, density: Run) -> None:
    result = density("-", "--output", "maps", "--npy")
    assert result.code == 0 and result.out.startswith(f"{MEAN} -> standard input.density.png, ")
    assert len(files_in(tmp_path / "maps")) == 3


@pytest.mark.parametrize("source", ["-", "a.png"])
def test_a_map_goes_to_standard_output(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_this_process: None,
    doubling_weights: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    source: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.png")
    send(monkeypatch, (tmp_path / "a.png").read_bytes())
    options = ("--source", "model", "--weights", str(doubling_weights))
    monkeypatch.setattr(sys, "argv", ["cliphaze", "density", source, "-o", "-", *options])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capfdbinary.readouterr()
    assert not end.value.code and b"mean haze density 0.500" in err
    with Image.open(io.BytesIO(out)) as image:
        assert image.mode == "I;16" and image.size == (40, 30)
    assert files_in(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("-", "a.png"), "- stands for one photo"),
        (("folder", "-o", "-"), "- stands for one photo"),
        (("-", "--npy"), "--npy needs a folder"),
        (("-", "-o", "-", "--json"), "standard output takes the map or the document"),
        (("-", "--report", "r.csv"), "there are no --report"),
        (("-", "--dry-run"), "no --dry-run"),
    ],
)
def test_what_streams_cannot_be_used_with(tmp_path: Path, density: Run, arguments: tuple[str, ...], why: str) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "folder/c.png")
    result = density(*arguments)
    assert result.code == 2 and why in result.err and len(result.err.splitlines()) == 1
    assert files_in(tmp_path) == ["a.png", "folder/c.png"]


def test_what_is_no_photo_is_told_by_a_name_that_people_know(
    tmp_path: Path, density: Run, cliphaze: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(monkeypatch, b"")
    result = cliphaze("density", "-", "--source", "model")
    assert (result.code, result.err) == (2, "cliphaze: error: standard input is empty: send a photo to it\n")
    send(monkeypatch, b"\x89PNG\r\n\x1a\n and no more")
    result = cliphaze("density", "-", "--source", "model", "--json")
    assert result.code == 1 and result.err.startswith("cliphaze: error: cannot read standard input: ")
    assert result.document["files"][0]["source"] == "standard input"
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert "standard input is a terminal here" in cliphaze("dehaze", "-", "a.png").err
