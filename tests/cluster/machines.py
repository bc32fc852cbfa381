"""A cluster whose machines are processes here."""

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.cluster import ray_cluster
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.cluster.executor import Cluster
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import Settings
from tests.batch import faulty

OBJECT_STORE = 80 * 2**20  # bytes; Ray takes no less than 75 MiB


class Machines:
    """Two of one core each; the first keeps the cluster together, the other may die."""

    def __init__(self) -> None:
        ray_cluster.quiet()
        from ray.cluster_utils import Cluster as Nodes

        head = {"num_cpus": 1, "object_store_memory": OBJECT_STORE, "include_dashboard": False}
        self._nodes = Nodes(initialize_head=True, head_node_args=head)
        self.add()

    @property
    def address(self) -> str:
        """As --cluster takes it."""
        return str(self._nodes.address)

    def add(self) -> None:
        """One more machine."""
        self._second: Any = self._nodes.add_node(num_cpus=1, object_store_memory=OBJECT_STORE)

    def kill(self) -> None:
        """The second machine loses power: Ray's process there is killed, with all that it started."""
        from ray._private.ray_constants import PROCESS_TYPE_RAYLET

        raylet = self._second.all_processes[PROCESS_TYPE_RAYLET][0].process.pid
        workers = [int(one) for one in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()]
        for process in (raylet, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def kill_head(self) -> None:
        """What keeps the cluster together is killed."""
        from ray._private.ray_constants import PROCESS_TYPE_GCS_SERVER

        self._nodes.head_node.all_processes[PROCESS_TYPE_GCS_SERVER][0].process.kill()

    def close(self) -> None:
        """End all of it."""
        self._nodes.shutdown()


def executor(machines: Machines, *, limits: Limits | None = None, **choice: Any) -> Cluster:
    """One whose photos do harm by their names; see `faulty`."""
    options = WorkOptions(faulty.load, Settings(), "cpu", limits or Limits())
    return Cluster(options, ClusterChoice(machines.address, **choice), lambda line: None)
