"""Fuzzed inputs through the real command, in batches, and the check that each became one thing or the other."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.fuzz.mutation import fuzzed
from tests.imaging.samples import names_in

SECONDS_PER_BATCH = 900.0  # after which the process counts as hanging
_SUMMARY = {
    "longer than": "given up: time limit",
    "decoder crashed": "decoder crashed",
    "decoder was killed": "decoder killed",
    "not enough memory": "refused memory",
    "megapixels": "refused: too many pixels",
    "cannot write": "could not be written in its format",
}


@dataclass
class Tally:
    """What became of a campaign's inputs. `wrong` must stay empty: one line for each broken promise."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)  # of decoders, by signal; each a listed failure
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def peak_megabytes(self) -> float:
        """Of the largest process so far, decoders included."""
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def run_batch(folder: Path, weights: Path, seed: int, indices: range, tally: Tally, keep: Path | None = None) -> None:
    """Make the inputs, dehaze them by one real process, and check every promise; wrong ones are copied to `keep`."""
    source, target = folder / "in", folder / "out"
    shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    for index in indices:
        name, data = fuzzed(seed, index)
        (source / name).write_bytes(data)
    started = time.monotonic()
    wrong: list[tuple[str, str]] = []
    try:
        process = _dehaze(source, target, weights)
    except subprocess.TimeoutExpired:
        wrong.append(("", f"inputs {indices}: the process hangs"))
    else:
        wrong += _check(process, source, target, tally)
    tally.seconds += time.monotonic() - started
    tally.inputs += len(indices)
    for name, what in wrong:
        tally.wrong.append(f"{name}: {what}" if name else what)
        if keep is not None and name and (source / name).exists():
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, keep)


def _dehaze(source: Path, target: Path, weights: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(sys.executable, "-m", "cliphaze_cli", "dehaze", str(source), str(target), "--weights", str(weights)),
            *("--no-clip", "--json", "--quiet", "--resolution", "64", "--max-megapixels", "1", "--time-limit", "20"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_PER_BATCH,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OMP_NUM_THREADS": "1"},
    )


def _check(
    process: "subprocess.CompletedProcess[str]", source: Path, target: Path, tally: Tally
) -> list[tuple[str, str]]:
    """(file, broken promise) for each."""
    if process.returncode not in (0, 1):
        return [("", f"the process ended with {process.returncode}: {process.stderr[-500:]}")]
    records = json.loads(process.stdout)["files"]
    wrong: list[tuple[str, str]] = []
    told = Counter(Path(record["source"]).name for record in records)
    wrong += [(path.name, f"told {told[path.name]} times") for path in source.iterdir() if told[path.name] != 1]
    if "Traceback" in process.stderr:
        wrong.append(("", f"a traceback: {process.stderr[-500:]}"))
    expected = set()
    for record in records:
        name = Path(record["source"]).name
        if record["status"] == "done":
            tally.outcomes["dehazed"] += 1
            expected.add(name)
            wrong += [(name, flaw) for flaw in _flaws(Path(record["target"]), record)]
        else:
            reason = record["reason"]
            tally.outcomes[_summary(reason)] += 1
            if crash := re.search(r"crashed \((.*?)\)", reason):
                tally.crashes[crash[1]] += 1
            if not reason or "\n" in reason or "cannot " not in reason:
                wrong.append((name, f"no reason that helps: {reason!r}"))
    wrong += [(name, "an output that nobody told of") for name in names_in(target) if name not in expected]
    return wrong


def _summary(reason: str) -> str:
    return next((summary for words, summary in _SUMMARY.items() if words in reason), "refused: damaged or no photo")


def _flaws(output: Path, record: dict[str, Any]) -> list[str]:
    try:
        with Image.open(output) as image:
            image.load()
            return [] if image.size == (record["width"], record["height"]) else [f"its output is {image.size}"]
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it
        return [f"its output is not whole: {error}"]
