"""What killed processes leave of photos that they were working on."""

from collections.abc import Iterable
from pathlib import Path

from cliphaze_cli.batch.job import Job
from cliphaze_cli.system.part_file import remove_leftovers


def remove_leftovers_of(jobs: Iterable[Job]) -> None:
    """Remove what nobody is writing any more: beside the jobs' targets and, of remote ones, in the temporary folder."""
    jobs = list(jobs)
    for folder in {job.target.parent for job in jobs}:
        if isinstance(folder, Path):
            remove_leftovers(folder)
    if not all(job.is_local for job in jobs):
        from cliphaze_cli.places.spool import remove_abandoned

        remove_abandoned()
