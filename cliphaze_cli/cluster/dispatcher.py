"""Which photo is worked on where, and what becomes of it when its worker is lost: all decisions of a cluster's run.

Nothing here knows Ray: whoever uses it says what happened, and is told what to do.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from cliphaze_cli.batch.endings import DAMAGED, cannot_finish, failure, too_slow
from cliphaze_cli.batch.job import Job
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult

_MOST_ENDS = 2  # of processes by one photo, before it is told as failed


@dataclass(eq=False)
class Task:
    """A photo on its way. ends: processes that ended while they worked on it, `last` the slot whose it was. again: it
    may have been begun before. alone: nothing else is worked on beside it."""

    job: Job
    ends: int = 0
    last: "WorkerSlot | None" = None
    again: bool = False
    alone: bool = False


@dataclass(eq=False)
class WorkerSlot:
    """A worker. node: where it is, None until it is placed. process: what tells its process from those before it, None
    while it cannot be given photos. tasks: given to it, in order. since: when the first of them can have begun."""

    node: str | None = None
    handle: Any = None
    process: object = None
    tasks: deque[Task] = field(default_factory=deque)
    since: float = 0.0
    suspect: Task | None = None  # what it was working on when it was lost
    lost_after: float = 0.0  # seconds of that
    former: object = None  # its process then
    first: float = 0.0  # when it was first tried to prepare it, 0 once it is
    ends: int = 0  # of its processes, since then
    restart: bool = False  # whether it is to be tried again


class Dispatcher:
    """Hands photos to workers, one to work on and one in store for each."""

    def __init__(self, limits: Limits, memory_of: Callable[[str], float] = lambda _: 0.0) -> None:
        """memory_of: bytes of a node; photos that must be worked on alone go to the largest."""
        self._jobs: Iterator[Job] | None = None
        self._waiting: deque[Task] = deque()
        self._large: deque[Task] = deque()
        self._quiet: str | None = None  # the node where photos are worked on alone
        self._limits, self._memory_of = limits, memory_of
        self.slots: list[WorkerSlot] = []

    def begin(self, jobs: Iterable[Job]) -> None:
        """Let these be handed out; they are taken as they are needed."""
        self._jobs = iter(jobs)

    @property
    def has_some(self) -> bool:
        """Whether a photo can be handed out at once."""
        return self._look_ahead(1) or bool(self._large)

    @property
    def unfinished(self) -> bool:
        """Whether anything is left to give out or to wait for."""
        self._look_ahead(1)
        return bool(self._waiting or self._large or any(slot.tasks or slot.suspect for slot in self.slots))

    @property
    def wants_hands(self) -> bool:
        """Whether more workers would have something to do."""
        return self._look_ahead(len(self.slots) + 1)

    def give(self, slot: WorkerSlot) -> Task | None:
        """Take the next photo for a worker; None where it has enough, or there is none for it."""
        if slot.process is None or slot.suspect is not None:
            return None
        if self._large:
            self._choose_quiet()
        if slot.node is not None and slot.node == self._quiet:
            task = self._give_alone(slot)
        else:
            # Towards the end nothing is kept in store: it might wait behind a slow photo while others have nothing.
            enough = 2 if self._look_ahead(len(self.slots) + 1) else 1
            task = self._next(slot) if len(slot.tasks) < enough else None
        if task is not None:
            if not slot.tasks:
                slot.since = monotonic()
            slot.tasks.append(task)
        return task

    def finished(self, slot: WorkerSlot, task: Task, result: FileResult) -> FileResult | None:
        """Note what a worker answered; None if the photo has to be worked on again."""
        if task not in slot.tasks:  # it was thought lost, and is done elsewhere
            return None
        slot.tasks.remove(task)
        slot.since = monotonic()
        if task.alone and not self._large:
            self._quiet = None
        if result.status != "pending":
            return result
        task.alone = True
        self._large.append(task)
        return None

    def lost(self, slot: WorkerSlot) -> None:
        """A worker's process is gone, or cannot be reached: what it kept in store is done elsewhere, and what it worked
        on is kept back until it is known why: see `returned` and `remove`."""
        if slot.suspect is None and slot.tasks:
            slot.suspect, slot.lost_after = slot.tasks.popleft(), monotonic() - slot.since
        slot.former, slot.process = slot.process or slot.former, None
        self._take_back(slot)

    def returned(self, slot: WorkerSlot, process: object) -> FileResult | None:
        """A worker is prepared. If it was lost: another process means that the photo ended the one before, the same one
        was out of reach only. Return what is to be told of that photo; None if it is worked on once more, or was none.
        """
        slot.process = process
        return self._judge(slot, guilty=process != slot.former)

    def blame(self, slot: WorkerSlot) -> FileResult | None:
        """A worker does not come back, but its node lives: so its process ended. As in `returned`."""
        return self._judge(slot, guilty=True)

    def remove(self, slot: WorkerSlot) -> None:
        """A worker is no more, and so is its node: whatever it had is done elsewhere, and no photo is to blame."""
        self._take_back(slot)
        self._judge(slot, guilty=False)
        slot.process = None
        if slot in self.slots:
            self.slots.remove(slot)
        if self._quiet is not None and not any(each.node == self._quiet for each in self.slots):
            self._quiet = None

    def stop(self) -> None:
        """Give out nothing any more; what workers have, they may finish."""
        self._jobs = None
        self._waiting.clear()
        self._large.clear()

    def _judge(self, slot: WorkerSlot, guilty: bool) -> FileResult | None:
        task, slot.suspect = slot.suspect, None
        if task is None:
            return None
        if task.alone and not self._large:
            self._quiet = None
        if guilty:
            task.ends, task.last = task.ends + 1, slot
            if slot.lost_after >= self._limits.seconds:
                return failure(task.job, cannot_finish(task.job, too_slow(self._limits)))
            if task.ends >= _MOST_ENDS:
                why = f"its process crashed, {task.ends} times (memory ran out there, or {DAMAGED})"
                return failure(task.job, cannot_finish(task.job, why))
        self._again(task)
        return None

    def _look_ahead(self, count: int) -> bool:
        """Whether so many photos wait."""
        while self._jobs is not None and len(self._waiting) < count:
            job = next(self._jobs, None)
            if job is None:
                self._jobs = None
            else:
                self._waiting.append(Task(job))
        return len(self._waiting) >= count

    def _next(self, slot: WorkerSlot) -> Task | None:
        self._look_ahead(1)
        others = any(each.process is not None and each is not slot for each in self.slots)
        for task in self._waiting:
            if task.last is not slot or not others:  # what ended one process is tried by another
                self._waiting.remove(task)
                return task
        return None

    def _give_alone(self, slot: WorkerSlot) -> Task | None:
        if not self._large or any(each.tasks or each.suspect for each in self.slots if each.node == self._quiet):
            return None
        return self._large.popleft()

    def _choose_quiet(self) -> None:
        nodes = {slot.node for slot in self.slots if slot.process is not None and slot.node is not None}
        if self._quiet is None and nodes:
            self._quiet = max(nodes, key=self._memory_of)

    def _take_back(self, slot: WorkerSlot) -> None:
        while slot.tasks:
            self._again(slot.tasks.pop())

    def _again(self, task: Task) -> None:
        task.again = True
        (self._large if task.alone else self._waiting).appendleft(task)
