"""What killed processes leave of photos that they were working on."""

from collections.abc import Iterable
from pathlib import Path

from cliphaze_cli.batch.job import Job
from cliphaze_cli.system.part_file import remove_leftovers


def remove_leftovers_of(jobs: Iterable[Job]) -> None:
    """Remove what nobody is writing any more: beside the jobs' targets and, of remote ones, in the temporary folder."""
    folders: set[Path] = set()
    elsewhere = False
    for job in jobs:
        elsewhere = elsewhere or not job.is_local
        if isinstance(job.target, Path):
            folders.add(job.target.parent)
    for folder in folders:
        remove_leftovers(folder)
    if elsewhere:
        from cliphaze_cli.places.spool import remove_abandoned

        remove_abandoned()
