"""Strips cover every row once, at the same time, and lose no error."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cliphaze_cli.restoration import rows
from cliphaze_cli.restoration.rows import SMALLEST_STRIP, in_strips


@pytest.fixture(params=[1, 2, 5])
def cores(request, monkeypatch) -> int:
    monkeypatch.setattr(rows, "pytorch_threads", lambda: request.param)
    return request.param


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_every_row_once(cores, rows):
    seen: list[int] = []
    in_strips(lambda first, last: seen.extend(range(first, last)), rows, 100 * SMALLEST_STRIP)
    assert sorted(seen) == list(range(rows))


def test_all_strips_are_worked_on_at_the_same_time(cores):
    meeting = threading.Barrier(cores, timeout=20)
    in_strips(lambda first, last: meeting.wait(), 100, 100 * SMALLEST_STRIP)  # type: ignore[arg-type]


def test_a_small_photo_is_one_strip(monkeypatch):
    monkeypatch.setattr(rows, "pytorch_threads", lambda: 8)
    calls: list[tuple[int, int]] = []
    in_strips(lambda first, last: calls.append((first, last)), 100, SMALLEST_STRIP)
    assert calls == [(0, 100)]


def test_an_error_in_a_strip_is_raised(cores):
    def fail(first: int, last: int) -> None:
        if last == 100:
            raise MemoryError("no memory")

    with pytest.raises(MemoryError, match="no memory"):
        in_strips(fail, 100, 100 * SMALLEST_STRIP)


def test_strips_take_one_core_each_and_later_threads_all():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen: list[int] = []
    try:
        in_strips(lambda first, last: seen.append(torch.get_num_threads()), 100, 2 * SMALLEST_STRIP)
        with ThreadPoolExecutor(1) as pool:
            later = pool.submit(torch.get_num_threads).result()
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1] and later == 2
