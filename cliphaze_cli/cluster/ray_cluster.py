"""A cluster by Ray: the only place that knows which library it is."""

import contextlib
import enum
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.shares import MEMORY_EACH
from cliphaze_cli.cluster.worker import ClusterWorker, Surroundings
from cliphaze_cli.system.cpu import usable_cores
from cliphaze_cli.system.errors import CliphazeError, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Future

LOCAL = "local"  # in place of an address: a cluster of this machine, for this run
_BY_CLIENT = "ray://"  # how addresses of Ray's client begin
_TO_ANSWER = 5.0  # seconds
_TO_KNOCK = 2.0  # seconds, for a head that has answered before
_OBJECT_STORE = 256 * 2**20  # bytes of it: it holds the weights and nothing else


@dataclass(frozen=True)
class Node:
    """A machine of the cluster: what Ray may use of it. memory: bytes."""

    id: str
    cores: float
    gpus: float
    memory: float

    def holds(self, cores_each: int, gpus_each: float) -> int:
        """How many workers fit in."""
        fits = [self.cores / cores_each, self.memory / MEMORY_EACH]
        if gpus_each:
            fits.append(self.gpus / gpus_each)
        return int(min(fits) + 1e-6)


def quiet() -> None:
    """Before Ray is imported: nothing is to leave the machine, and none of its lines to come among ours."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "."
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")


def connect(address: str) -> Any:
    """Join the cluster, or with LOCAL start one here, and return what is to be closed at the end.

    Raises:
        UsageError: Ray is not installed.
        CliphazeError: nothing answers at the address, or it is of another version.
    """
    quiet()
    try:
        import ray
    except ImportError as error:
        raise UsageError('--cluster needs Ray: `pip install "cliphaze[cluster]"`') from error
    _refuse_silent(address)
    options: dict[str, Any] = {"address": address, "logging_level": logging.CRITICAL, "log_to_driver": False}
    if address == LOCAL:
        options |= {
            "num_cpus": usable_cores(),
            "object_store_memory": _OBJECT_STORE,
            "include_dashboard": False,
        }
    try:
        root = Path.cwd().anchor  # workers import from where the driver starts: not from a folder of photos
        with _own_signals(), _silence(), contextlib.chdir(root):
            return ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        text = " ".join(str(error).split())
        raise CliphazeError(
            f"cannot join the cluster at {address!r}: {text[:300]}; check that it runs, and whether it wants a token "
            "(RAY_AUTH_MODE, RAY_AUTH_TOKEN), or give --cluster local"
        ) from error


def _refuse_silent(address: str) -> None:
    """Raise CliphazeError where nothing answers: Ray would try for minutes."""
    try:
        _knock(address, _TO_ANSWER)
    except (OSError, OverflowError) as error:
        raise CliphazeError(
            f"no cluster answers at {address!r} ({error}): check the address, and that it runs"
        ) from error


def head_answers(address: str) -> bool:
    """Whether what keeps the cluster together is there. Without it Ray's calls wait, and after a minute Ray ends this
    process without a word."""
    import ray

    try:
        _knock(address if address.startswith(_BY_CLIENT) else ray.get_runtime_context().gcs_address, _TO_KNOCK)
    except OSError:
        return False
    return True


def _knock(address: str, seconds: float) -> None:
    """Raise OSError where nobody listens at HOST:PORT; other addresses are not looked at."""
    host, colon, port = address.removeprefix(_BY_CLIENT).rpartition(":")
    if colon and host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()


def disconnect() -> None:
    """Leave the cluster; workers end, and with LOCAL all of it."""
    import ray

    with _own_signals():
        ray.shutdown()


def nodes() -> list[Node]:
    """The machines that are alive."""
    import ray

    return [
        Node(one["NodeID"], got.get("CPU", 0), got.get("GPU", 0), got.get("memory", 0))
        for one in ray.nodes()
        if one["Alive"]
        for got in [one["Resources"]]
    ]


def share(content: Any) -> list[Any]:
    """Put something into the cluster's memory; a list, which goes to workers without its content."""
    import ray

    return [ray.put(content)]


def start_worker(
    options: WorkOptions,
    surroundings: Surroundings,
    cores: int,
    gpus: float,
    node: str | None,
) -> Any:
    """Start a worker on a node; None: wherever there is room, or will be."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    where = "DEFAULT" if node is None else NodeAffinitySchedulingStrategy(node, soft=False)
    actor: Any = ray.remote(ClusterWorker)
    actor = actor.options(num_cpus=cores, num_gpus=gpus, max_restarts=-1, max_task_retries=0, scheduling_strategy=where)
    return actor.remote(options, surroundings, fetch, cores)


def fetch(shared: list[Any]) -> Any:
    """In a worker: what was put into the cluster's memory, without a copy."""
    import ray

    return ray.get(shared[0])


class End(enum.Enum):
    """How a call to a worker ended."""

    ANSWERED = enum.auto()
    RAISED = enum.auto()
    LOST = enum.auto()  # the process is gone, or cannot be reached
    RESTARTING = enum.auto()  # a new process takes its place, and is not there yet
    GONE = enum.auto()  # the worker, for good: its node died, or it was ended


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of a call: what it was about, how it ended, what it returned, and what was raised."""

    about: Any
    end: End
    value: Any = None
    error: BaseException | None = None


class Calls:
    """Calls to workers, whose answers come in the order in which they are there."""

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def ask(self, reference: Any, about: Any) -> None:
        """Wait for the answer to a call in the background; about: what it is told with."""
        reference.future().add_done_callback(lambda future: self._answers.put(_answer(about, future)))

    def answers(self, seconds: float) -> Iterator[Answer]:
        """All that are there; waits so long for the first."""
        with contextlib.suppress(queue.Empty):
            yield self._answers.get(timeout=seconds)
            while True:
                yield self._answers.get_nowait()


def _answer(about: Any, future: "Future[Any]") -> Answer:
    error = future.exception()
    if error is None:
        return Answer(about, End.ANSWERED, future.result())
    cause = getattr(error, "cause", None)
    return Answer(about, _end(error), error=cause if isinstance(cause, Exception) else error)


def _end(error: BaseException) -> End:
    from ray import exceptions

    if isinstance(error, exceptions.RayTaskError) or getattr(error, "actor_init_failed", False):
        return End.RAISED
    if isinstance(error, exceptions.ActorDiedError | exceptions.ActorUnschedulableError):
        return End.GONE
    if isinstance(error, exceptions.ActorUnavailableError) and "restarting" in str(error):
        return End.RESTARTING
    return End.LOST if isinstance(error, exceptions.RayError) else End.RAISED


def end(handles: Sequence[Any], seconds: float) -> None:
    """End workers at once, and wait so long until they have ended."""
    import ray

    with contextlib.suppress(Exception):
        for handle in handles:
            ray.kill(handle)
        asked = [handle.where.remote() for handle in handles]  # answered, by an error, once they have ended
        ray.wait(asked, num_returns=len(asked), timeout=seconds)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Ray says to standard error that it was told to be silent."""
    if sys.stderr is not None:
        sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself: give it back."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)
