"""What --help shows: which names are needed, every exit code, and examples to copy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_tables import commands
from tests.cli.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(("command", "names"), [("dehaze", "INPUT... OUTPUT"), ("density", "INPUT...")])
def test_names_are_shown_as_needed(cliphaze: Run, command: str, names: str) -> None:
    usage = next(line for line in cliphaze(command, "--help").out.splitlines() if "Usage:" in line)
    assert usage.strip() == f"Usage: cliphaze {command} [OPTIONS] {names}"
    assert f"{command} [OPTIONS] {names}\n" in cliphaze(command, "--no-such").err


def test_the_exit_codes_are_those_of_the_readme(cliphaze: Run) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    codes = "Exit code: 0 all done, or nothing to do; 1 some files failed; 2 nothing was started; 130 interrupted."
    assert codes in " ".join(readme.split())
    for command in ("dehaze", "density"):
        assert codes in " ".join(cliphaze(command, "--help").out.split())


@pytest.mark.parametrize("command", ["dehaze", "density", "download-weights"])
def test_examples_stand_one_a_line_at_the_end(cliphaze: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    examples = cliphaze(command, "-h").out.partition("Examples:\n")[2].rstrip().splitlines()
    assert 3 <= len(examples) <= 5
    options = {name for parameter in commands()[command].params for name in parameter.opts}
    for example in examples:
        words = example.partition("#")[0].partition("<")[0].split()
        assert words[:2] == ["cliphaze", command] and len(example) <= 80
        assert {word for word in words if word.startswith("-") and word != "-"} <= options


@pytest.mark.parametrize("value", ["in", "in/", "a.jpg", "*.jpg", "--density", "-r", ""])
def test_a_clip_that_swallowed_another_argument_is_told(cliphaze: Run, tmp_path: Path, value: str) -> None:
    (tmp_path / "in").mkdir()
    for command, advice in (("dehaze", "write --clip auto"), ("density", "leave --clip out")):
        result = cliphaze(command, "--clip", value, "out")
        assert result.code == 2 and len(result.err.splitlines()) == 1
        assert f"--clip takes the name of a model, not {value!r}: {advice}" in result.err
    assert "--clip needs a value: MODEL|auto" in cliphaze("dehaze", "in", "out", "--clip").err


@pytest.mark.parametrize("name", ["auto", "ViT-B-32", "ViT-B/32"])
def test_a_clip_is_a_clip_also_where_a_folder_has_its_name(cliphaze: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    assert "INPUT does not exist: missing" in cliphaze("dehaze", "--clip", name, "missing", "out").err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--strength", "0,5"), "--strength takes a number in 0..1, not '0,5': write 0.5"),
        (("--strength=,25",), "--strength takes a number in 0..1, not ',25': write 0.25"),
        (("--white", "1.000,5"), "--white takes a number, not '1.000,5': write 1000.5"),
        (("--strength", "1", "--strength", "half"), "--strength takes a number in 0..1, not 'half'"),
        (("--strength", "1,000.5"), "--strength takes a number in 0..1, not '1,000.5'"),
        (("--quality", "90,5"), "--quality takes a whole number in 1..100, not '90,5'"),
        (("-j2,0",), "--jobs takes a whole number, not '2,0'"),
        (("--start", "1,5"), "a time is seconds, or hours:minutes:seconds, not '1,5': write 1.5"),
    ],
)
def test_what_is_no_number_is_told_in_one_line(cliphaze: Run, arguments: tuple[str, ...], why: str) -> None:
    result = cliphaze("dehaze", "in", "out", *arguments)
    assert (result.code, result.err) == (2, f"cliphaze: error: {why}\n")


@pytest.mark.parametrize("word", ["-overwrite", "-strength=0.5", "-output"])
def test_a_long_option_with_one_dash_is_told(cliphaze: Run, tmp_path: Path, word: str) -> None:
    name = word.partition("=")[0]
    result = cliphaze("dehaze", "in", "out", word, "x")
    why = f"{name}: a long option has two dashes, -{name}"
    assert (result.code, result.err) == (2, f"cliphaze: error: {why}\n")
    assert "INPUT does not exist" in cliphaze("dehaze", "in", "out", "--suffix", "-density").err
    assert "INPUT does not exist" in cliphaze("dehaze", "--", "-density", "out").err


def test_a_photo_in_place_of_the_command_is_told(cliphaze: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "in"):
        result = cliphaze(name, "out")
        why = f"the first word is a command: `cliphaze dehaze {name} ...`, or density"
        assert (result.code, result.err) == (2, f"cliphaze: error: {why}\n")
    assert "No such command 'dehze'" in cliphaze("dehze", "a.jpg", "out").err
