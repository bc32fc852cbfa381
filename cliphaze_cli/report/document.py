"""The document of a run: everything that is needed to prove, or to repeat, what was done."""

import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, get_args

from cliphaze_cli.imaging.comparison_paths import COMPARISON_ENDING
from cliphaze_cli.report.results import FileResult, Status
from cliphaze_cli.system.versions import __version__, versions

FORMAT = 1  # raise it when what is here changes its meaning; new fields don't

Document = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run from its start on.

    command: "dehaze" or "density". settings: what was asked for, as a later run may take it up again.
    used: what it came to: the weights' name and sha256, device, precision and the like; merged into the document.
    left_out: how many files are of which kinds that are not read.
    """

    command: str
    settings: Mapping[str, Any]
    used: Mapping[str, Any]
    left_out: Mapping[str, int] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clock: float = field(default_factory=time.perf_counter)

    def using(self, used: Mapping[str, Any]) -> "Run":
        """The same run, once it is known what it uses."""
        return replace(self, used=used)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.clock

    def document(
        self, results: Iterable[FileResult], *, interrupted: bool = False, exit_status: int | None = None
    ) -> Document:
        """The run as JSON-ready data. Without `exit_status` it is still under way, and has no end.

        Paths are as they were given: relative ones are relative to `directory`. Times are UTC, sizes bytes and pixels.
        """
        files = [file_record(result) for result in results]
        return {
            "format": FORMAT,
            "command": self.command,
            "version": __version__,
            "started": self.started.isoformat(timespec="seconds"),
            "ended": None if exit_status is None else datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "exit_status": exit_status,
            "interrupted": interrupted,
            **counts(files),
            "left_out": dict(self.left_out),
            **self.used,
            "settings": dict(self.settings),
            "directory": os.getcwd(),  # noqa: PTH109 - a text, not a Path
            "platform": platform.platform(),
            "versions": versions(),
            "files": files,
        }


def ending(document: Document, counts: Mapping[Status, int]) -> dict[str, Any]:
    """What the end of a run adds to what is known at its start; counts: of files by what became of them."""
    fields = {name: document[name] for name in ("ended", "seconds", "exit_status", "interrupted")}
    return {**fields, **{status: counts.get(status, 0) for status in get_args(Status)}}


def counts(files: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many of the files' records have which status."""
    return {status: sum(record["status"] == status for record in files) for status in get_args(Status)}


def file_record(result: FileResult) -> dict[str, Any]:
    """One file of the document."""
    width, height = result.size or (None, None)
    comparisons = [path for path in result.extras if path.name.endswith(COMPARISON_ENDING)]
    return {
        "source": str(result.source),
        "target": None if result.target is None else str(result.target),
        "status": result.status,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "width": width,
        "height": height,
        "source_bytes": result.source_bytes,
        "target_bytes": result.target_bytes,
        "density_mean": result.details.get("density_mean"),
        "density_source": result.details.get("density_source"),
        "frames": result.details.get("frames"),
        "density_files": [str(path) for path in result.extras if path not in comparisons],
        "comparison": next(map(str, comparisons), None),
        "notices": list(result.notices),
    }
