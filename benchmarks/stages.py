"""Where a photo's time goes: reading, shrinking, the network, applying its maps, writing; in one process, warm."""

import itertools
import statistics
import time
from pathlib import Path

import cv2
import torch

from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.imaging import files
from cliphaze_cli.restoration.apply import dehaze_pixels

STAGES = ("read", "network", "apply", "write")


def use_threads(threads: int) -> None:
    """Let PyTorch and OpenCV use so many."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def stage_seconds(dehazer: Dehazer, source: Path, target: Path, runs: int) -> dict[str, float]:
    """Median seconds of each of STAGES over `runs`, after one more to warm up."""
    measured = [_once(dehazer, source, target) for _ in range(runs + 1)][1:]
    return {stage: statistics.median(times) for stage, times in zip(STAGES, zip(*measured, strict=True), strict=True)}


def _once(dehazer: Dehazer, source: Path, target: Path) -> list[float]:
    clock = [time.perf_counter()]
    photo = files.read(source)
    clock.append(time.perf_counter())
    working, K, B = dehazer._estimate_maps([photo.pixels], None, None)
    clock.append(time.perf_counter())
    with torch.inference_mode():
        clear = dehaze_pixels(photo.pixels, working, K, B)
    clock.append(time.perf_counter())
    files.write(files.with_pixels(photo, clear), target)
    clock.append(time.perf_counter())
    return [after - before for before, after in itertools.pairwise(clock)]
