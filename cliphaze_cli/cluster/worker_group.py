"""The workers of a cluster: as many as its machines hold, also while machines come and go."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.shares import MEMORY_EACH, memory_of_each
from cliphaze_cli.batch.worker import Prepared
from cliphaze_cli.cluster import ray_cluster
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.cluster.dispatcher import Dispatcher, WorkerSlot
from cliphaze_cli.cluster.ray_cluster import Answer, Calls, End, Node
from cliphaze_cli.cluster.worker import Surroundings
from cliphaze_cli.report.results import FileResult, explain

PLACING, STARTING = "placing", "starting"  # what a call is about, where it is about no photo
_LOOK = 1.0  # seconds between looks at the machines
_PATIENT, _PATIENT_IN_ROOM = 10.0, 60.0  # seconds without a worker after which people are told what is waited for
_MOST_ENDS = 3  # of a worker's processes while they are prepared, after which it is given up
_TO_DIE = 60.0  # seconds until a dead machine is surely known as dead
_TO_START = 600.0  # seconds after which a worker is given up that does not start at all
_TO_COME_BACK = 30.0  # seconds in which a silent head may answer again; Ray itself gives up after 60
_MOST_AHEAD = 256  # workers that wait for machines which a cluster may add
_MOST_TEXT = 500  # characters of a reason


class WorkerGroup:
    """Starts workers, sees them end, and tells `out` of both."""

    def __init__(
        self,
        out: Dispatcher,
        options: WorkOptions,
        choice: ClusterChoice,
        carried: Sequence[Any],
        notice: Callable[[str], object],
    ) -> None:
        """carried: what every worker loads, in the cluster's memory. notice: called with lines for people."""
        self.calls = Calls()
        self.prepared: Prepared | None = None  # of the first worker
        self.nodes: dict[str, Node] = {}
        self._useless: dict[str, str] = {}  # nodes on which no worker can be started, and why
        self._out, self._options, self._choice, self._carried = out, options, choice, carried
        self._surroundings = Surroundings(str(Path.cwd()), choice.sources)
        self._notice = notice
        self._looked, self._idle_since = 0.0, time.monotonic()
        self._heard_head = time.monotonic()

    @property
    def machines(self) -> int:
        """How many have a worker that is prepared."""
        return len({slot.node for slot in self._out.slots if slot.process is not None})

    @property
    def hopeless(self) -> str:
        """Why no photo can be worked on any more; empty while there is hope."""
        if self._looked > self._heard_head + _TO_COME_BACK:
            return "the head of the cluster does not answer any more: start the cluster anew"
        hopeless = self._useless and all(id in self._useless or not self._room(id) for id in self.nodes)
        return next(iter(self._useless.values())) if hopeless and not self.machines else ""

    def follow(self) -> list[FileResult]:
        """Look at the machines from time to time: start workers on new ones, and forget those of dead ones. Return what
        is to be told of photos whose worker does not come back, though its machine lives."""
        if time.monotonic() < self._looked + _LOOK:
            return []
        self._looked = time.monotonic()
        if not ray_cluster.head_answers(self._choice.address):
            return []
        self._heard_head = self._looked
        self.nodes = {node.id: node for node in ray_cluster.nodes()}
        for slot in list(self._out.slots):
            if slot.node is not None and slot.node not in self.nodes:
                self._dismiss(slot)
            elif slot.restart:
                self._start(slot)
        places = Counter(slot.node for slot in self._out.slots)
        for id in (id for id in self.nodes if id not in self._useless):
            while places[id] < self._room(id) and self._may_add:
                self._add(id)
                places[id] += 1
        if self._choice.address != ray_cluster.LOCAL:
            # One that no machine has room for makes a cluster grow that can.
            ahead = max(1, min(len(self._out.slots) - places[None], _MOST_AHEAD))
            while places[None] < ahead and self._may_add and (self._out.wants_hands or not places):
                self._add(None)
                places[None] += 1
        self._tell_what_is_waited_for()
        late = [slot for slot in self._out.slots if slot.suspect and time.monotonic() > slot.first + _TO_DIE]
        return [result for slot in late if (result := self._out.blame(slot))]

    def hear(self, answer: Answer) -> FileResult | None:
        """Act on what came of starting a worker; return what is to be told of the photo that it was lost with."""
        slot, about = answer.about
        if slot not in self._out.slots:
            return None
        if answer.end is End.ANSWERED and about == PLACING:
            self._placed(slot, answer.value)
        elif answer.end is End.ANSWERED:
            self.prepared = self.prepared or answer.value.prepared
            slot.first, slot.ends = 0.0, 0
            return self._out.returned(slot, answer.value.process)
        elif answer.end in (End.LOST, End.RESTARTING) and self._may_still_start(slot, answer.end):
            slot.restart = True
        else:
            if answer.end in (End.LOST, End.RESTARTING):
                self._give_up(slot, "the processes that work on photos end as they start")
            elif answer.end is End.RAISED and answer.error is not None:
                self._give_up(slot, explain(answer.error)[0][:_MOST_TEXT])
            self._dismiss(slot)
        return None

    def lost(self, slot: WorkerSlot) -> None:
        """A worker's process is gone, or cannot be reached: see what comes back."""
        self._out.lost(slot)
        self._start(slot)

    def _add(self, node: str | None) -> None:
        cores, gpus = self._choice.cores_each, self._choice.gpus_each
        slot = WorkerSlot(node)
        slot.handle = ray_cluster.start_worker(self._options, self._surroundings, cores, gpus, node)
        self._out.slots.append(slot)
        if node is None:
            self.calls.ask(slot.handle.where.remote(), (slot, PLACING))
        else:
            self._start(slot)

    def _placed(self, slot: WorkerSlot, node: str) -> None:
        """A worker that waited for a machine has one; but not where it got the core of one whose process ended."""
        self.nodes = {node.id: node for node in ray_cluster.nodes()}
        if node not in self.nodes or sum(each.node == node for each in self._out.slots) >= self._room(node):
            self._dismiss(slot)
        else:
            slot.node = node
            self._start(slot)

    def _start(self, slot: WorkerSlot) -> None:
        slot.first, slot.restart = slot.first or time.monotonic(), False
        self.calls.ask(slot.handle.prepare.remote(self._carried, self._memory_each(slot.node)), (slot, STARTING))

    def _may_still_start(self, slot: WorkerSlot, end: End) -> bool:
        """A process takes its time to be replaced, and a dead machine to be known as dead."""
        slot.ends += end is End.LOST
        seconds = time.monotonic() - slot.first
        return seconds < _TO_START and (slot.ends < _MOST_ENDS or seconds < _TO_DIE)

    def _dismiss(self, slot: WorkerSlot) -> None:
        self._out.remove(slot)
        ray_cluster.end([slot.handle], 0)

    def _give_up(self, slot: WorkerSlot, why: str) -> None:
        if slot.node is not None and slot.node not in self._useless:
            self._useless[slot.node] = why
            if len(self.nodes) > 1:
                self._notice(f"a machine of the cluster is not used: {why}")

    def _room(self, node: str) -> int:
        return self.nodes[node].holds(self._choice.cores_each, self._choice.gpus_each)

    def _memory_each(self, node: str | None) -> int | None:
        if node not in self.nodes:  # it is newer than the last look
            self.nodes = {node.id: node for node in ray_cluster.nodes()}
        if node is None or node not in self.nodes:
            return MEMORY_EACH
        native_size = getattr(self._options.settings, "resolution", None) == "full"
        room = max(1, min(self._room(node), self._choice.most or self._room(node)))
        return memory_of_each(int(self.nodes[node].memory), room, native_size=native_size)

    @property
    def _may_add(self) -> bool:
        return self._choice.most is None or len(self._out.slots) < self._choice.most

    def _tell_what_is_waited_for(self) -> None:
        room = any(self._room(node) for node in self.nodes)
        if self.machines:
            self._idle_since = time.monotonic()
        elif time.monotonic() > self._idle_since + (_PATIENT_IN_ROOM if room else _PATIENT):
            self._idle_since = float("inf")  # once
            cores, gpus = self._choice.cores_each, self._choice.gpus_each
            share = f", {gpus:g} {'of a GPU' if gpus < 1 else 'GPU' + 's' * (gpus > 1)}" if gpus else ""
            needs = f"{cores} core{'s' * (cores > 1)}{share} and 1 GB"
            why = f"{needs} may be taken by others" if room else f"no machine has {needs} for a worker"
            self._notice(f"waiting for the cluster: {why} (Ctrl-C ends it)")
