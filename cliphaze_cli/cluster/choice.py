"""What was asked of a cluster."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClusterChoice:
    """A cluster, and how it is used.

    address: as Ray takes it, or "local". cores_each, gpus_each: of a worker, which works on one photo at a time.
    most: workers at a time; None: as many as fit in. sources: folders that every machine must see.
    """

    address: str
    cores_each: int = 1
    gpus_each: float = 0.0
    most: int | None = None
    sources: tuple[Path, ...] = ()
