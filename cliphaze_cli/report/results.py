"""What became of every file of a batch."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cliphaze_cli.places.remote import Place
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.memory_limit import address_space_limit
from cliphaze_cli.system.text import one_line, without_credentials

Status = Literal["done", "failed", "skipped", "pending"]  # pending: not reached before the batch ended


@dataclass(frozen=True)
class FileResult:
    """One file's outcome. `seconds` is the work on it (reading, processing, writing), without waiting."""

    source: Place
    target: Place | None
    status: Status
    reason: str | None = None  # why it failed or was skipped, one line
    seconds: float = 0.0
    size: tuple[int, int] | None = None  # (width, height) in pixels
    source_bytes: int | None = None  # of the files
    target_bytes: int | None = None
    notices: tuple[str, ...] = ()
    extras: tuple[Place, ...] = ()  # further files written for it
    details: Mapping[str, Any] = field(default_factory=dict)  # what the caller wants reported, JSON-ready
    traceback: str | None = None  # of failures that nobody expects
    picture: bytes | None = None  # before and after, small, as JPEG; whoever keeps results leaves it out


@dataclass(frozen=True)
class BatchReport:
    """The results as they came. After an interruption the jobs that were not finished have none, nor where the work
    had to end; ended: why it had to."""

    results: tuple[FileResult, ...]
    interrupted: bool = False
    ended: str = ""

    def count(self, status: Status) -> int:
        """Return how many files ended with `status`."""
        return sum(result.status == status for result in self.results)


def bytes_of(path: Path) -> int | None:
    """Return the size of a file, or None where there is none."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def explain(error: BaseException) -> tuple[str, str | None]:
    """Return one line for people, and the traceback when the failure is not one that users are expected to meet."""
    if isinstance(error, CliphazeError):
        return one_line(str(error)), None
    if _is_out_of_memory(error):
        more = "raise the limit on it (ulimit -v)" if address_space_limit() else "close other programs"
        return f"not enough memory for this image: give a smaller --resolution, or {more}", None
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return one_line(f"{error.strerror}{where}"), None
    text = one_line(str(error))
    trace = without_credentials("".join(traceback.format_exception(error)))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__, trace


def _is_out_of_memory(error: BaseException) -> bool:
    # Recognised without importing torch or OpenCV: OutOfMemoryError on a GPU, a RuntimeError on the CPU; cv2.error.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))
        or (type(error).__module__ == "cv2" and "Insufficient memory" in str(error))
    )
