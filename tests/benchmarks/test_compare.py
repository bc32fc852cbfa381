"""Comparing with other dehazers: commands, their outputs and their failures."""

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks import compare, processes
from benchmarks.made import made_pixels
from training.pairs import find_sets

COPY = shlex.join([sys.executable, "-c", "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One set of two pairs; the hazy photos' names hold spaces."""
    rng = np.random.default_rng(0)
    for name in ("one a", "two b"):
        clear = rng.integers(0, 256, (24, 32, 3), np.uint8)
        for kind, pixels in (("clear", clear), ("hazy", 128 + clear // 4)):
            (folder := tmp_path / "data" / "a set" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{name}.png")
    return tmp_path / "data"


def test_paths_with_spaces_stay_one_word():
    command = compare.filled("tool --from={input} {output}", Path("a b/c.png"), Path("d e.png"))
    assert command == ["tool", "--from=a b/c.png", "d e.png"]


def test_a_tool_that_copies_scores_what_the_hazy_photos_score(data):
    app = compare.typer.Typer()
    app.command()(compare.main)
    result = CliRunner().invoke(app, [str(data), "--tool", f"copy={COPY} {{input}} {{output}}"])
    assert result.exit_code == 0, result.output
    lines = [line.split(" | ") for line in result.output.splitlines()]
    rows = {cells[1]: cells for cells in lines if len(cells) == 9}
    assert rows["copy"][2] == rows["copy"][3] and rows["copy"][6] == "+0.00"
    assert rows["cliphaze"][2] == rows["copy"][2] != rows["cliphaze"][3]


def test_a_tool_without_places_for_paths_is_refused(data):
    app = compare.typer.Typer()
    app.command()(compare.main)
    result = CliRunner().invoke(app, [str(data), "--tool", "copy=cp {input}"])
    assert result.exit_code == 2 and "{input} and {output}" in result.output


def test_a_tool_that_makes_nothing_is_named(data, tmp_path):
    (pairs,) = find_sets(data)
    (folder := tmp_path / "work").mkdir()
    nothing = shlex.join([sys.executable, "-c", "pass"])
    compare.dehaze_set(pairs, nothing, folder, {}, whole_folder=True)
    with pytest.raises(RuntimeError, match="made no output for one a"):
        compare.output_of(pairs.pairs[0][0], folder / "out")


def test_a_failing_command_tells_what_it_said():
    with pytest.raises(RuntimeError, match=r"exit code 3(.|\n)*no such model"):
        processes.run([sys.executable, "-c", "import sys; sys.stderr.write('no such model'); sys.exit(3)"])


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")
def test_peak_memory_is_the_commands_and_with_its_children():
    child = "import time; held = bytearray(b'x') * 150_000_000; time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    usage = processes.run([sys.executable, "-c", parent])
    assert usage.own_peak is not None and usage.total_peak is not None
    assert usage.own_peak < 100 and 150 < usage.total_peak < 250
    assert usage.seconds > 0.5


@pytest.mark.parametrize("sixteen_bit", [False, True])
def test_photos_of_any_size_are_made(sixteen_bit):
    pixels = made_pixels(0.3, sixteen_bit=sixteen_bit)
    assert pixels.dtype == (np.uint16 if sixteen_bit else np.uint8)
    assert pixels.shape[0] * pixels.shape[1] == pytest.approx(0.3e6, rel=0.01)
    assert pixels.std() > 10 * (257 if sixteen_bit else 1)
