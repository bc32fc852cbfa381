"""The options that let a batch run on a cluster."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.shares import REPLICAS
from cliphaze_cli.cluster.choice import ClusterChoice
from cliphaze_cli.system.errors import UsageError

CLUSTER = "Cluster"  # panel of --help
_MOST_CORES, _MOST_GPUS = 1024, 16


def _check_address(address: str | None) -> str | None:
    if address is not None and (not address or address.startswith("-") or any(one.isspace() for one in address)):
        raise UsageError(f"--cluster takes auto, local, HOST:PORT or ray://HOST:PORT, not {address!r}")
    return address


def _check_cores(cores: int) -> int:
    if not 1 <= cores <= _MOST_CORES:
        raise UsageError(f"--cores-each must lie between 1 and {_MOST_CORES}, not {cores}")
    return cores


def _check_gpus(gpus: float | None) -> float | None:
    if gpus is not None and not (0 <= gpus < 1 or (gpus <= _MOST_GPUS and gpus == int(gpus))):
        raise UsageError(f"--gpus-each is a part of one GPU, as 0.25, or a number of them, not {gpus:g}")
    return gpus


ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="auto|local|ADDRESS",
        callback=_check_address,
        help="Work on a Ray cluster: HOST:PORT or ray://HOST:PORT.",
        rich_help_panel=CLUSTER,
        show_default="this machine, without Ray",
    ),
]
CoresEachOption = Annotated[
    int,
    typer.Option(
        "--cores-each",
        metavar="N",
        callback=_check_cores,
        help="With --cluster: cores for each photo that is worked on.",
        rich_help_panel=CLUSTER,
    ),
]
GpusEachOption = Annotated[
    float | None,
    typer.Option(
        "--gpus-each",
        metavar="PART",
        callback=_check_gpus,
        help="With --cluster: the part of a GPU for each.",
        rich_help_panel=CLUSTER,
        show_default=f"0; with --device cuda {1 / REPLICAS:g}",
    ),
]


def cluster_choice(
    address: str | None, cores_each: int, gpus_each: float | None, *, device: str, jobs: int | None
) -> ClusterChoice | None:
    """What the options ask for, None without --cluster; raises UsageError where they contradict each other."""
    if address is None:
        if cores_each != 1 or gpus_each is not None:
            raise UsageError("--cores-each and --gpus-each are of a cluster: give them with --cluster")
        return None
    if ":" in device or device == "mps":
        raise UsageError(f"with --cluster Ray chooses the GPU: give --device cuda and --gpus-each, not {device}")
    if device == "cpu" and gpus_each:
        raise UsageError("--device cpu and --gpus-each contradict each other: give one of them")
    if gpus_each is None:
        gpus_each = 1 / REPLICAS if device == "cuda" else 0.0
    elif not gpus_each and device == "cuda":
        raise UsageError("--device cuda needs a part of a GPU: give --gpus-each above 0")
    return ClusterChoice(address, cores_each, gpus_each, jobs)


def for_jobs(choice: ClusterChoice, jobs: Collection[Job]) -> ClusterChoice:
    """The same for so many photos, of which every machine must see the folder of the first, if it is a file."""
    most = len(jobs) if choice.most is None else min(choice.most, len(jobs))
    first = next(iter(jobs)).source
    sources = (Path.cwd() / first.parent,) if isinstance(first, Path) else ()
    return replace(choice, most=most, sources=sources)
