"""Outputs that another run made since the work was planned, and other ends of a photo that are no success."""

from dataclasses import replace

from cliphaze_cli.places.look import Look
from cliphaze_cli.places.remote import Place
from cliphaze_cli.report.results import FileResult, Status, explain
from cliphaze_cli.system.errors import CliphazeError, NeedsMemoryError, OutputExistsError


class MadeMeanwhileError(CliphazeError):
    """A job whose output is there by now."""

    def __init__(self) -> None:
        super().__init__("the output exists: another run made it meanwhile")


def leave_out_if_made(target: Place, skip_existing: bool) -> None:
    """Raise MadeMeanwhileError if a target is there that is to be left alone."""
    if skip_existing and Look().taken(target):
        raise MadeMeanwhileError


def ended(result: FileResult, error: Exception, skip_existing: bool) -> FileResult:
    """The result of a photo that an error ended."""
    if isinstance(error, OutputExistsError) and skip_existing and _is_surely_made(result.target):
        error = MadeMeanwhileError()
    reason, trace = explain(error)
    return replace(result, status=_status(error), reason=reason, traceback=trace)


def _is_surely_made(target: Place | None) -> bool:
    try:
        return target is not None and Look().taken(target)
    except CliphazeError:  # a store that does not answer now
        return False


def _status(error: Exception) -> Status:
    if isinstance(error, MadeMeanwhileError):
        return "skipped"
    return "pending" if isinstance(error, NeedsMemoryError) else "failed"
