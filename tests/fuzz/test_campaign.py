"""A short fuzz campaign, and that campaigns notice what they are there to notice. Long ones: `python -m tests.fuzz`."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.corpus.case import base, saved
from tests.fuzz import campaign
from tests.fuzz.campaign import Tally, run_batch
from tests.fuzz.mutation import fuzzed


def test_fuzzed_files_become_outputs_or_are_told(tmp_path: Path, random_weights: Path) -> None:
    tally = Tally()
    run_batch(tmp_path / "batch", random_weights, 2, range(150), tally)
    assert tally.wrong == []
    assert tally.inputs == sum(tally.outcomes.values()) == 150
    assert tally.outcomes["dehazed"] > 10
    assert tally.outcomes["refused: damaged or no photo"] > 50


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({}, None),
        ({"code": -11}, "the process ended with -11"),
        ({"files": []}, "told 0 times"),
        ({"width": 23}, "its output is (24, 18)"),
        ({"output": b"half"}, "not whole"),
        ({"output": None}, "not whole"),
        ({"stray": True}, "nobody told of"),
        ({"status": "failed", "reason": ""}, "no reason that helps"),
        ({"stderr": "Traceback (most recent call last)"}, "a traceback"),
    ],
)
def test_a_campaign_notices_broken_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], promise: str | None
) -> None:
    from PIL import Image

    name, _ = fuzzed(0, 0)
    width = {"width": change.get("width", 24), "height": 18}

    def dehaze(source: Path, target: Path, weights: Path) -> "subprocess.CompletedProcess[str]":
        target.mkdir()
        output = change.get("output", saved(Image.fromarray(base()), "PNG"))
        if isinstance(output, bytes):
            (target / name).write_bytes(output)
        if "stray" in change:
            (target / ".x.cliphaze-part").touch()
        record = {"source": str(source / name), "target": str(target / name), "status": "done", "reason": None, **width}
        record |= {key: change[key] for key in ("status", "reason") if key in change}
        document = json.dumps({"files": change.get("files", [record])})
        code, err = change.get("code", 0), change.get("stderr", "")
        return subprocess.CompletedProcess([], code, document, err)  # type: ignore[arg-type]

    monkeypatch.setattr(campaign, "_dehaze", dehaze)
    tally = Tally()
    run_batch(tmp_path / "batch", tmp_path, 0, range(1), tally, tmp_path / "keep")
    assert [promise in wrong for wrong in tally.wrong].count(True) == 1 if promise else tally.wrong == []
