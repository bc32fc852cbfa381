"""Running the command line as users do, with its wall time, processor time and peak memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CLIPHAZE = (sys.executable, "-m", "cliphaze_cli")
_POLL = 0.02  # seconds between looks at the memory


@dataclass(frozen=True)
class Usage:
    """seconds: wall time. Memory in MB (10^6 bytes), None where /proc is missing: own_peak, of the command's own
    process; total_peak, of it and all it started, memory they share counted once."""

    seconds: float
    own_peak: float | None
    total_peak: float | None

    @property
    def own(self) -> str:
        return "?" if self.own_peak is None else f"{self.own_peak:.0f}"

    @property
    def total(self) -> str:
        return "?" if self.total_peak is None else f"{self.total_peak:.0f}"


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Usage:
    """Run a command to its end, quietly; `environment` is added to this process's own.

    Looking at its memory all the time makes it slower, by a fifth in a folder of large photos: see `seconds`.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    start = time.perf_counter()
    process = _start(command, environment)
    peaks = {"own": 0, "total": 0}
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    _finish(process, command)
    taken = time.perf_counter() - start
    watcher.join()
    own, total = (value / 1e3 or None for value in peaks.values())
    return Usage(taken, own, total)


def seconds(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Wall time of a command, as in `run` but undisturbed."""
    start = time.perf_counter()
    _finish(_start(command, environment), command)
    return time.perf_counter() - start


def _start(command: Sequence[str], environment: dict[str, str] | None) -> "subprocess.Popen[str]":
    everything = {**os.environ, **(environment or {})}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=everything)


def _finish(process: "subprocess.Popen[str]", command: Sequence[str]) -> None:
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {' '.join(command)}\n{said[-2000:]}")


def _watch(process: "subprocess.Popen[str]", peaks: dict[str, int]) -> None:
    while process.poll() is None:
        peaks["own"] = max(peaks["own"], _kilobytes(process.pid, "status", "VmHWM:"))
        total = sum(_kilobytes(one, "smaps_rollup", "Pss:") for one in family(process.pid))
        peaks["total"] = max(peaks["total"], total)
        time.sleep(_POLL)


def family(pid: int) -> list[int]:
    """A process and all that it started. Linux only; elsewhere, and once it has ended, itself alone."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except OSError:
        pass
    return found


def _kilobytes(pid: int, file: str, label: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(label)), 0)
