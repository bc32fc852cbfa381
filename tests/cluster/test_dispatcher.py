"""Which photo goes where on a cluster, and whose fault it is when a worker is lost: without any cluster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.cluster.dispatcher import Dispatcher, Task, WorkerSlot
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult, Status

LIMITS = Limits(seconds=100)


def job(name: object) -> Job:
    return Job(Path(f"{name}.png"), Path(f"out/{name}.png"))


def hand_out(*names: object, slots: int = 2, nodes: int = 1, **options: Any) -> tuple[Dispatcher, list[WorkerSlot]]:
    out = Dispatcher(LIMITS, **options)
    out.slots = [WorkerSlot(f"node {index % nodes}", process=f"process {index}") for index in range(slots)]
    out.begin(job(name) for name in names)
    return out, list(out.slots)


def given(out: Dispatcher, slot: WorkerSlot) -> Task:
    task = out.give(slot)
    assert task is not None
    return task


def result(task: Task, status: Status = "done") -> FileResult:
    return FileResult(task.job.source, task.job.target, status)


def finish(out: Dispatcher) -> list[str]:
    """Let all workers do everything; return the names, in that order."""
    done = []
    while out.unfinished:
        for slot in list(out.slots):
            out.give(slot)
            if slot.tasks:
                task = slot.tasks[0]
                assert out.finished(slot, task, result(task))
                done.append(task.job.source.stem)
    return done


def test_each_has_one_to_work_on_and_one_in_store_and_at_the_end_none_in_store() -> None:
    out, (first, second) = hand_out(*range(6))
    assert [given(out, slot).job.source.stem for slot in (first, second, first)] == ["0", "1", "2"]
    assert out.give(first) is None  # it has two
    assert out.give(second) is not None
    assert out.give(second) is None
    assert len(finish(out)) == 6


def test_photos_are_taken_from_their_source_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[Job]:
        nonlocal taken
        while True:
            taken += 1
            yield job(taken)

    out, slots = hand_out()
    out.begin(endless())
    for slot in slots:
        while out.give(slot):
            pass
    assert taken <= 8


def test_a_photo_that_ends_its_process_is_tried_by_another_and_then_told_and_others_are_innocent() -> None:
    out, (first, second) = hand_out("bad", *range(9))
    bad, stored = given(out, first), given(out, first)
    out.lost(first)
    assert out.give(first) is None  # until its process is back
    assert out.returned(first, "process 2") is None
    again = given(out, second)
    assert again is bad and again.again
    assert given(out, first) is stored and stored.again and stored.ends == 0
    out.lost(second)
    told = out.returned(second, "process 3")
    assert told is not None and told.source.stem == "bad" and told.status == "failed"
    assert "crashed, 2 times" in (told.reason or "")
    assert sorted(finish(out)) == [str(number) for number in range(9)]


def test_a_worker_that_does_not_come_back_holds_up_no_photo() -> None:
    out, (first, second) = hand_out("a", "b")
    task = given(out, first)
    out.lost(first)
    assert out.blame(first) is None
    assert given(out, second) is task
    assert out.returned(first, "another") is None and task.ends == 1  # late, and not blamed twice


def test_where_there_is_no_other_worker_the_same_tries_again() -> None:
    out, (only,) = hand_out("bad", slots=1)
    task = given(out, only)
    out.lost(only)
    assert out.returned(only, "another") is None
    assert given(out, only) is task


def test_a_dead_node_and_one_out_of_reach_cost_no_photo() -> None:
    out, (first, second) = hand_out(*range(3), nodes=2)
    for _ in range(5):
        out.give(first)
        out.lost(first)
        assert out.returned(first, "process 0") is None  # the same process: it was out of reach
    assert all(task.ends == 0 for task in first.tasks)
    out.give(first)
    out.lost(first)
    out.remove(first)
    assert out.slots == [second] and out.give(first) is None
    assert sorted(finish(out)) == ["0", "1", "2"]


def test_a_photo_that_takes_too_long_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    out, (first, _) = hand_out("hang", 1, 2, 3)
    now = 0.0
    monkeypatch.setattr("cliphaze_cli.cluster.dispatcher.monotonic", lambda: now)
    given(out, first)
    now = 101.0
    out.lost(first)
    told = out.returned(first, "another")
    assert told is not None and "longer than 100 s" in (told.reason or "")


def test_an_answer_that_comes_after_all_is_not_told_twice() -> None:
    out, (first, second) = hand_out("a", "b")
    task = given(out, first)
    out.lost(first)
    out.returned(first, "process 0")
    assert given(out, second) is task
    assert out.finished(first, task, result(task)) is None
    assert out.finished(second, task, result(task)) is not None


def test_a_photo_too_large_for_its_share_is_worked_on_alone_on_the_largest_node() -> None:
    sizes = {"node 0": 1.0, "node 1": 2.0}
    out, slots = hand_out("large", *range(20), slots=4, nodes=2, memory_of=sizes.__getitem__)
    for slot in slots:
        out.give(slot)
    large = slots[0].tasks[0]
    assert out.finished(slots[0], large, result(large, "pending")) is None
    on_largest = [slot for slot in slots if slot.node == "node 1"]
    assert out.give(on_largest[0]) is None  # until both there are done
    assert out.give(slots[0]) is not None  # the other node goes on
    for slot in on_largest:
        out.finished(slot, slot.tasks[0], result(slot.tasks[0]))
    assert given(out, on_largest[1]) is large and large.alone
    assert out.give(on_largest[0]) is None
    assert out.finished(on_largest[1], large, result(large)) is not None
    assert out.give(on_largest[0]) is not None
    assert out.unfinished and len(finish(out)) == 18


def test_after_an_interruption_nothing_is_handed_out_and_workers_finish_what_they_have() -> None:
    out, (first, second) = hand_out(*range(9))
    for slot in (first, second, first, second):
        out.give(slot)
    out.stop()
    assert out.give(first) is None and not out.has_some
    for slot in (first, second):
        for task in list(slot.tasks):
            assert out.finished(slot, task, result(task))
    assert not out.unfinished
