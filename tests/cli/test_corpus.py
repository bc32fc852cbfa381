"""The corpus of good, odd and hostile files through the real command: each becomes right, or is told."""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cliphaze_cli.imaging.files import read
from tests.cli.process import start
from tests.corpus.case import Case, base, saved
from tests.corpus.filesystem import put_names, put_objects
from tests.corpus.hostile import hostile_cases
from tests.corpus.valid import valid_cases
from tests.imaging.samples import names_in

PATIENCE = 300  # seconds after which the process counts as hanging


def dehaze(folder: Path, weights: Path, *options: str) -> tuple[dict[str, Any], str]:
    """Dehaze folder/in to folder/out and return (what is told of each file by its name, standard error)."""
    process = start("dehaze", "in", "out", "--no-clip", "--json", "--weights", weights, *options, cwd=folder)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode in (0, 1), err
    records = json.loads(out)["files"]
    names = Counter(Path(record["source"]).name for record in records)
    assert set(names.values()) == {1}
    return {Path(record["source"]).name: record for record in records}, err


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, doubling_weights: Path) -> tuple[Path, dict[str, Any]]:
    """(the folder of in/ and out/, what is told of each file). A case NAME.EXT lies there as NAME.EXT.EXT."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "in").mkdir()
    for case in cases():
        (folder / "in" / stored(case)).write_bytes(case.data)
    records, err = dehaze(folder, doubling_weights, "--format", "png")
    assert "Traceback" not in err
    return folder, records


def cases() -> Sequence[Case]:
    return [*valid_cases(), *hostile_cases()]


def stored(case: Case) -> str:
    return f"{case.name}{Path(case.name).suffix}"


def test_every_file_of_the_corpus_is_told_once_and_nothing_else_lies_in_the_output(
    told: tuple[Path, dict[str, Any]],
) -> None:
    folder, records = told
    assert set(records) == {stored(case) for case in cases()}
    done = {Path(record["target"]).name for record in records.values() if record["status"] == "done"}
    assert set(names_in(folder / "out")) == done


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_corpus(told: tuple[Path, dict[str, Any]], case: Case) -> None:
    folder, records = told
    record = records[stored(case)]
    if record["status"] == "failed":
        assert case.refusal is not None or case.may_fail, record["reason"]
        assert (case.refusal or "") in record["reason"]
        assert record["reason"].startswith("cannot read ")
        assert "\n" not in record["reason"]
        assert "crashed" not in record["reason"]
        return
    assert record["status"] == "done"
    assert case.refusal is None
    assert case.notice is None or case.notice in " ".join(record["notices"])
    output = read(folder / "out" / f"{case.name}.png")
    if case.pixels is not None:
        grey = case.pixels.ndim == 2
        assert output.grey == grey
        pixels = output.pixels[..., 0] if grey else output.pixels
        assert pixels.dtype == case.pixels.dtype
        assert pixels.shape == case.pixels.shape
        limit = np.iinfo(case.pixels.dtype).max
        doubled = np.minimum(2 * case.pixels.astype(np.int64), limit)
        difference = np.abs(pixels.astype(np.int64) - doubled)
        assert difference.max() <= 2 * case.tolerance + limit // 255  # faint detail is not doubled
        assert np.median(difference) <= 2 * case.tolerance + 1  # which eight bits would not pass for sixteen
    if case.alpha is None:
        assert case.pixels is None or output.alpha is None or output.alpha.min() == np.iinfo(output.alpha.dtype).max
    else:
        assert output.alpha is not None
        assert abs(int(output.alpha[0, 0]) - case.alpha) <= 3


@pytest.mark.skipif(sys.platform == "win32", reason="such names and files are POSIX")
def test_odd_names_and_things_that_are_no_files(tmp_path: Path, doubling_weights: Path) -> None:
    from PIL import Image

    data = saved(Image.fromarray(base()), "PNG")
    (tmp_path / "in").mkdir()
    expected: dict[str, str | None] = {path.name: None for path in put_names(tmp_path / "in", data)}
    expected |= put_objects(tmp_path / "in", data)
    records, err = dehaze(tmp_path, doubling_weights, "--density")
    assert set(records) == set(expected)
    for name, refusal in expected.items():
        # Names of 255 bytes leave no room for ".density.png".
        too_long = len(os.fsencode(name)) > 255 - len(".density-overlay")
        assert records[name]["status"] == ("done" if refusal is None and not too_long else "failed"), records[name]
        assert (refusal or ("too long" if too_long else "")) in (records[name]["reason"] or "")
        assert ((tmp_path / "out" / name).is_file()) == (records[name]["status"] == "done")
    assert not [one for one in err if not (one.isprintable() or one == "\n")]  # nothing that commands a terminal
    failures = sum(record["status"] == "failed" for record in records.values())
    assert len([line for line in err.splitlines() if line.startswith("cliphaze: error: ")]) == failures
    assert not (tmp_path / "owned").exists()


def test_a_name_that_looks_like_an_option(
    tmp_path: Path, doubling_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    from cliphaze_cli.cli.app import main

    Image.fromarray(base()).save(tmp_path / "-x.png")
    monkeypatch.chdir(tmp_path)
    arguments = ["dehaze", "-q", "--no-clip", "--weights", str(doubling_weights), "--", "-x.png", "-y.png"]
    monkeypatch.setattr(sys, "argv", ["cliphaze", *arguments])
    with pytest.raises(SystemExit, match="0"):
        main()
    np.testing.assert_allclose(read(tmp_path / "-y.png").pixels, 2 * base().astype(int), atol=1)
