"""What runs in a worker process: it is prepared once, and then does the life of one photo after the other."""

import contextlib
import os
import signal
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cliphaze_cli.batch import time_limit
from cliphaze_cli.batch.film_work import no_frames
from cliphaze_cli.batch.frame_counts import FrameCounts
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import Tool, WorkOptions
from cliphaze_cli.batch.work import work
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.memory_limit import refused_memory
from cliphaze_cli.system.text import without_credentials

_MADE_BEFORE = "the output was made by a worker that was lost before it could tell"


@dataclass(frozen=True)
class Prepared:
    """A worker that can begin: what its tool works with, its label for people, and lines for people."""

    used: dict[str, Any]
    label: str
    notices: tuple[str, ...]


@dataclass
class _State:
    options: WorkOptions
    cores: int
    memory: int | None
    frames: FrameCounts | None
    notices: list[str] = field(default_factory=list)
    tool: Tool | None = None
    failure: Exception | None = None


_state: _State  # of this process


def prepare(options: WorkOptions, cores: int, memory: int | None, frames: FrameCounts | None = None) -> None:
    """Load what every photo needs, to compute with so many cores; a failure is told by whatever is asked next.

    memory: bytes that a photo may take while others are worked on. frames: where films tell how far they are.
    """
    global _state  # noqa: PLW0603 - a process has one
    _settle()
    os.environ["OMP_NUM_THREADS"] = str(cores)  # before PyTorch is imported
    _state = _State(options, cores, memory, frames)
    _load()


def _load() -> None:
    try:
        _state.failure = None
        _state.tool = _state.options.load(_state.options, _state.notices.append)
        from cliphaze_cli.system.devices import use_cores

        use_cores(_state.cores)
    except CliphazeError as error:
        _state.failure = error
    except Exception as error:  # noqa: BLE001 - a bug; shown by the process that people look at
        if (refused := refused_memory(error)) is not None:
            _state.failure = refused
            return
        text = without_credentials("".join(traceback.format_exception(error)))
        _state.failure = RuntimeError(f"in a worker process:\n{text}")


def describe() -> Prepared:
    """Say what this process works with; raises what kept it from being prepared."""
    tool = _tool()
    return Prepared(tool.used, tool.label, tuple(_state.notices))


def work_here(job: Job, alone: bool, place: int | None = None, again: bool = False) -> FileResult:
    """Do the life of one photo or film; alone: it may take all memory; place: of its frame counts. again: a worker that
    was lost may have finished it."""
    if (
        _state.failure is not None
    ):  # for want of memory, perhaps; and a process that fails at once would get every photo
        _load()
    tool, options = _tool(), _state.options
    if again and not options.overwrite:
        options = replace(options, skip_existing=True)  # also what it had begun: maps without their photo
    on_frame = no_frames if _state.frames is None or place is None else _state.frames.telling(place)
    with time_limit.of(options.limits):
        result = work(job, tool, options, memory=None if alone else _state.memory, on_frame=on_frame)
    if again and result.status == "skipped":
        result = replace(result, status="done", reason=None, notices=(*result.notices, _MADE_BEFORE))
    if alone:
        from cliphaze_cli.system.allocator import give_memory_back

        give_memory_back()
    return result


def _tool() -> Tool:
    if _state.failure is not None:
        raise _state.failure
    assert _state.tool is not None
    return _state.tool


def _settle() -> None:
    """Make this process one that harms nobody: whatever its decoders print is thrown away, the system chooses it first
    when memory runs out, and its crashes leave no core files."""
    with contextlib.suppress(AttributeError, OSError):
        os.setsid()  # Linux shares processor time out by session; and Ctrl-C of a terminal stays away
    for name in ("SIGINT", "SIGHUP"):  # whoever started this process decides when it ends
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        Path("/proc/self/oom_score_adj").write_text("500")
