"""Work on the rows of a photo in strips, one for each core."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from cliphaze_cli.system.devices import pytorch_threads

SMALLEST_STRIP = 1 << 19  # pixels; below that a thread costs more than it brings


def in_strips(work: Callable[[int, int], None], rows: int, pixels: int) -> None:
    """Call work(first, last) for strips that make up `rows` rows of `pixels` pixels in all, at the same time.

    `work` must spend its time where Python's lock is not held, as in few long operations of PyTorch, NumPy or OpenCV;
    PyTorch uses one core for each strip.
    """
    cores = pytorch_threads()
    count = max(1, min(cores, pixels // SMALLEST_STRIP, rows))
    if count == 1:
        work(0, rows)
        return
    edges = [rows * i // count for i in range(count + 1)]
    try:
        with ThreadPoolExecutor(count, "strip", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for _ in pool.map(work, edges[:-1], edges[1:]):
                pass  # what a strip raised is raised here
    finally:
        torch.set_num_threads(cores)  # or any thread started later would have one
