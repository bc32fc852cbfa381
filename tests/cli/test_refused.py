"""With --json, whatever keeps a command from starting is a document on standard output, and a line for people."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("dehaze", "missing", "out"), "INPUT does not exist: missing"),
        (("density", "missing"), "INPUT does not exist: missing"),
        (("download-weights", "no-such-weights"), "no-such-weights"),
        (("dehaze", "a", "b", "--no-such"), "No such option: --no-such"),
        (("dehaze", "a", "b", "--quality"), "--quality needs a value: 1..100"),
        (("dehaze", "a", "b", "--quality", "high"), "--quality takes a whole number"),
        (("dehaze", "a", "b", "--precision", "int8"), "--precision must be one of auto, fp32"),
        (("density", "", "--recursive"), "a path is empty"),
        (("download-weights", "a", "b"), "unexpected extra argument"),
        (("info", "extra"), "unexpected extra argument"),
        (("no-such-command",), "No such command 'no-such-command'"),
        ((), "No such option: --json"),
    ],
)
def test_programs_read_why_nothing_was_started(cliphaze: Run, arguments: tuple[str, ...], why: str) -> None:
    result = cliphaze(*arguments[:1], "--json", *arguments[1:])
    assert result.code == 2
    assert result.document["exit_status"] == 2 and why in result.document["error"]
    assert why.rsplit(maxsplit=1)[-1] in result.err
    if arguments:
        assert cliphaze(*arguments)[:2] == (2, "")


def test_access_tokens_stay_out(cliphaze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnop")
    result = cliphaze("dehaze", "hf_abcdefghijklmnop", "out", "--json")
    assert result.code == 2 and "abcdefgh" not in result.out


def test_where_standard_output_is_closed_people_are_told(
    cliphaze: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    result = cliphaze("dehaze", "missing", "out", "--json")
    assert result.code == 1 and "standard output is closed" in result.err
