"""How the work on a photo or a film ends before it is done, as its result tells it."""

import os
from dataclasses import replace

from cliphaze_cli.batch.job import Job
from cliphaze_cli.report.results import FileResult, Status, explain
from cliphaze_cli.system.errors import CliphazeError, NeedsMemoryError, OutputExistsError


class _MadeMeanwhileError(CliphazeError):
    """A job whose output is there by now."""

    def __init__(self) -> None:
        super().__init__("the output exists: another run made it meanwhile")


def leave_out_if_made(job: Job, skip_existing: bool) -> None:
    """Raise what `ended_by` takes for a reason to skip it, if that is wanted and its output is there."""
    if skip_existing and os.path.lexists(job.target):
        raise _MadeMeanwhileError


def ended_by(error: Exception, result: FileResult, skip_existing: bool) -> FileResult:
    """The result of work that an error has ended."""
    if isinstance(error, OutputExistsError) and skip_existing and result.target and os.path.lexists(result.target):
        error = _MadeMeanwhileError()
    reason, trace = explain(error)
    return replace(result, status=_status(error), reason=reason, traceback=trace)


def _status(error: Exception) -> Status:
    if isinstance(error, _MadeMeanwhileError):
        return "skipped"
    return "pending" if isinstance(error, NeedsMemoryError) else "failed"
