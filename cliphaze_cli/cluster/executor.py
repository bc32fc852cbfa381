"""The executor of a cluster: what `batch/pool.py` is on one machine, with workers on any number of them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from cliphaze_cli.batch.endings import failure
from cliphaze_cli.batch.interruption import noted_interruptions
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.pool import PATIENCE
from cliphaze_cli.batch.worker import Prepared
from cliphaze_cli.cluster import ray_cluster
from cliphaze_cli.cluster.carried import carried_files
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.cluster.dispatcher import Dispatcher, Task, WorkerSlot
from cliphaze_cli.cluster.ray_cluster import Answer, End
from cliphaze_cli.cluster.worker_group import WorkerGroup
from cliphaze_cli.report.results import BatchReport, FileResult, explain
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.part_file import remove_leftovers

_POLL = 0.1  # seconds between looks at interruptions
_END = 5.0  # seconds in which workers that are ended may do so


class Cluster:
    """Works on photos on a cluster, which entering it as a context manager joins."""

    def __init__(self, options: WorkOptions, choice: ClusterChoice, notice: Callable[[str], object]) -> None:
        """notice: called with lines for people."""
        if options.device == "auto" and not choice.gpus_each:
            options = replace(options, device="cpu")
        self._options, self._choice, self._notice = options, choice, notice
        self._out = Dispatcher(options.limits, self._memory_of)
        self._running: set[Task] = set()
        self._idle: set[WorkerSlot] = set()  # workers that may have room
        self._touched: set[Path] = set()  # folders where a process that was lost may have left something

    def __enter__(self) -> "Cluster":
        """Join it and wait until one worker is prepared. Raises CliphazeError where photos cannot be worked on."""
        files = list(carried_files(self._options))
        ray_cluster.connect(self._choice.address)
        try:
            carried = [ray_cluster.share(file) for file in files]
            self._group = WorkerGroup(self._out, self._options, self._choice, carried, self._notice)
            while self._group.prepared is None:
                self._group.follow()
                self._hear(lambda result: None)
                if self._group.hopeless:
                    raise CliphazeError(self._group.hopeless)
        except BaseException:
            self._stop()
            raise
        self.prepared: Prepared = self._group.prepared
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def machines(self) -> int:
        """How many work on photos at this moment."""
        return self._group.machines

    def run(
        self,
        jobs: Iterable[Job],
        on_result: Callable[[FileResult], object],
        on_frames: object = None,
        *,
        keep: bool = True,
    ) -> BatchReport:
        """Work on every photo and call `on_result` with what became of each, as they are done.

        Interruptions and exceptions of `on_result` do what they do in `Pool.run`. on_frames: not called: films on a
        cluster tell of their end only.
        """
        results: list[FileResult] = []

        def tell(result: FileResult) -> None:
            if keep:
                results.append(result)
            on_result(result)

        last_moment, ended = None, ""
        self._out.begin(jobs)
        with noted_interruptions() as interruptions:
            while self._out.unfinished:
                if interruptions():
                    if last_moment is None:
                        last_moment = time.monotonic() + PATIENCE
                        self._out.stop()
                    if interruptions() > 1 or time.monotonic() > last_moment:
                        break
                else:
                    for result in self._group.follow():
                        tell(result)
                    self._hand_out()
                self._hear(tell)
                if ended := self._group.hopeless:
                    break
            if self._running:
                self._end_workers(tell)
            return BatchReport(tuple(results), interrupted=bool(interruptions()), ended=ended)

    def _hand_out(self) -> None:
        if not self._out.has_some:
            return
        for slot in list(self._idle):
            while (task := self._out.give(slot)) is not None:
                self._running.add(task)
                self._group.calls.ask(slot.handle.work.remote(task.job, task.alone, task.again), (slot, task))
            if slot.tasks or slot.process is None:
                self._idle.discard(slot)

    def _hear(self, tell: Callable[[FileResult], object]) -> None:
        """Wait a moment for answers of workers, and act on all that are there."""
        for answer in self._group.calls.answers(_POLL):
            slot, about = answer.about
            result = self._worked(slot, about, answer) if isinstance(about, Task) else self._group.hear(answer)
            if slot.process is not None:
                self._idle.add(slot)
            if result is not None:
                tell(result)

    def _worked(self, slot: WorkerSlot, task: Task, answer: Answer) -> FileResult | None:
        self._running.discard(task)
        if task not in slot.tasks:  # its worker was lost, and it is done elsewhere
            return None
        if answer.end is End.ANSWERED:
            return self._out.finished(slot, task, answer.value)
        if answer.end is End.RAISED and answer.error is not None:
            return self._out.finished(slot, task, failure(task.job, *explain(answer.error)))
        self._touched |= _folders(slot.tasks)
        self._group.lost(slot)
        return None

    def _end_workers(self, tell: Callable[[FileResult], object]) -> None:
        """End those that work on photos, and tell what they finished until then."""
        ray_cluster.end([slot.handle for slot in self._out.slots if slot.tasks], _END)
        for answer in self._group.calls.answers(_POLL):
            slot, about = answer.about
            if isinstance(about, Task) and answer.end is End.ANSWERED and (result := self._worked(slot, about, answer)):
                tell(result)

    def _memory_of(self, node: str) -> float:
        return self._group.nodes[node].memory if node in self._group.nodes else 0

    def _stop(self) -> None:
        """End all workers; what killed ones were writing is removed."""
        ray_cluster.end([slot.handle for slot in self._out.slots if slot.tasks], _END)
        ray_cluster.disconnect()
        for folder in self._touched | _folders(self._running):
            remove_leftovers(folder)


def _folders(tasks: Iterable[Task]) -> set[Path]:
    return {task.job.target.parent for task in tasks if isinstance(task.job.target, Path)}
