"""Compressing parts of an image side by side: zlib does it on one core, and takes longer than dehazing."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cliphaze_cli.system.cpu import usable_cores

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2  # results for each core that are held until they are taken, so that memory stays bounded


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield work(item) for each item, in order, computed on all cores; `work` must spend its time without Python's
    lock, as zlib and NumPy do."""
    cores = usable_cores()
    if cores == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(cores, "compressing") as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                if len(waiting) == _AHEAD * cores:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(work, item))
            while waiting:
                yield waiting.popleft().result()
        finally:  # also where whoever takes them fails
            for future in waiting:
                future.cancel()
