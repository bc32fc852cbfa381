"""What the benchmarks share: medians of repeated calls, in turn, and a description of the machine."""

import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch


def medians(candidates: dict[str, Callable[[], object]], runs: int = 5) -> dict[str, float]:
    """Median seconds of each candidate, after one warm-up, called in turn so that drift of the machine hits all."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for candidate in candidates.values():
        candidate()
    for _ in range(runs):
        for name, candidate in candidates.items():
            start = time.perf_counter()
            candidate()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def ratios(seconds: dict[str, float]) -> list[str]:
    """A Markdown table; ratios are to the first candidate."""
    first = next(iter(seconds.values()))
    rows = [f"| {name} | {value:.3f} | {value / first:.2f} |" for name, value in seconds.items()]
    return ["| candidate | seconds (median) | ratio |", "|---|---|---|", *rows]


def machine() -> str:
    """One line: processor, threads, versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return f"{cpu}, {torch.get_num_threads()} threads, Python {platform.python_version()}, torch {torch.__version__}"
