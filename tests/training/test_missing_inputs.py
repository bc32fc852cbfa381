"""Inputs that are not there: one line that names them, and nothing is written."""

import pytest

from tests.training.commands import run
from training import ablate, embedded, evaluate, export, hazy_set, prepare, register, sheet, synthetic_check, train


@pytest.mark.parametrize(
    ("command", "others"),
    [
        (ablate.ablate, ["none", "runs", "baseline"]),
        (embedded.main, ["written"]),
        (evaluate.evaluate, []),
        (export.export, ["written"]),
        (hazy_set.hazy_set, ["written"]),
        (prepare.prepare, ["written"]),
        (register.register, ["none"]),
        (sheet.sheet, ["none", "written"]),
        (synthetic_check.check, []),
        (train.train, ["written"]),
    ],
)
def test_a_missing_input_is_named(command, others, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(command, "none", *others)
    said = " ".join(result.output.replace("│", " ").split())
    assert result.exit_code == 2 and "'none' does not exist" in said
    assert not list(tmp_path.iterdir())
