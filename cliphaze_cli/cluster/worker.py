"""What runs in a process of a cluster: loaded once, and then the life of one photo after the other."""

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cliphaze_cli.batch import worker
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.cluster.carried import lay_out
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.versions import __version__


@dataclass(frozen=True)
class Surroundings:
    """What a worker shares with the command that it works for. directory: what relative paths are relative to.
    sources: folders that it must see, where photos are files."""

    directory: str
    sources: tuple[Path, ...]
    version: str = __version__


@dataclass(frozen=True)
class Started:
    """A worker that can begin. process: differs from that of every process before it."""

    process: tuple[str, int]
    prepared: worker.Prepared


class ClusterWorker:
    """One process. Making it does nothing that could fail: loading is what `prepare` does, whose end is seen."""

    def __init__(
        self,
        options: WorkOptions,
        surroundings: Surroundings,
        fetch: Callable[[Any], Any],
        cores: int,
    ) -> None:
        """fetch: from what `prepare` is given for a file to that, see `cluster/carried.py`. cores: to compute with."""
        self._options, self._surroundings, self._fetch, self._cores = options, surroundings, fetch, cores
        self._started: Started | None = None

    def where(self) -> str:
        """The node on which it was placed."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def prepare(self, carried: Sequence[Any], memory: int | None) -> Started:
        """Load what every photo needs, of these files; memory: bytes that a photo may take while others are worked on.

        Raises CliphazeError, and whatever else keeps it from working.
        """
        if self._started is None:
            machine = socket.gethostname()
            self._refuse_another_version(machine)
            with contextlib.suppress(OSError):  # a folder that is not here: none may be needed, as with buckets
                os.chdir(self._surroundings.directory)
            self._refuse_missing_folders(machine)
            options = lay_out([self._fetch(one) for one in carried], self._options)
            worker.prepare(options, self._cores, memory)
            self._started = Started((machine, os.getpid()), worker.describe())
        return self._started

    def work(self, job: Job, alone: bool, again: bool) -> FileResult:
        """Do the life of one photo; alone: it may take all memory. again: an earlier worker may have finished it."""
        return worker.work_here(job, alone, again=again)

    def _refuse_another_version(self, machine: str) -> None:
        if self._surroundings.version != __version__:
            raise CliphazeError(
                f"{machine} has cliphaze {__version__}, this is {self._surroundings.version}: install the same on both"
            )

    def _refuse_missing_folders(self, machine: str) -> None:
        for folder in self._surroundings.sources:
            if not folder.is_dir():
                raise CliphazeError(
                    f"{machine} does not see the folder {folder}: photos must lie where every machine sees them, "
                    "under the same path"
                )
