"""What is told of photos whose worker process ended."""

from cliphaze_cli.batch.job import Job
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.atomic_file import shown

DAMAGED = "the file is damaged or made to do harm; save it anew in another program"


def failure(job: Job, reason: str, trace: str | None = None) -> FileResult:
    """The result of a job that could not be finished."""
    return FileResult(job.source, job.target, "failed", reason=reason, traceback=trace)


def cannot_finish(job: Job, why: str) -> str:
    """One line for people."""
    return f"cannot finish {shown(job.source)}: {why}"


def too_slow(limits: Limits) -> str:
    """Why a photo was given up that took longer than it may."""
    more = f" and {limits.seconds_per_megapixel:g} for each megapixel" if limits.seconds_per_megapixel else ""
    return f"it took longer than {limits.seconds:g} s{more} (damaged, or a slow drive? --time-limit allows more)"
