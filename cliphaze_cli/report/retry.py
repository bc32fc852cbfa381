"""What a report says is still to be done."""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_of_name
from cliphaze_cli.report import storage
from cliphaze_cli.report.document import Document
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.text import native

S = TypeVar("S", Settings, DensitySettings)


@dataclass(frozen=True)
class Leftover(Generic[S]):
    """The files of a report that failed or were not reached.

    pairs: source and target, as the report mapped them. settings: of the report's run. folders: how many folders could
    not be listed then, whose files are therefore unknown. weights_sha256: of the weights that were used, if any were.
    made: targets that a killed run had made since its report was last written: outputs appear whole or not at all.
    """

    pairs: tuple[tuple[Path, Path], ...]
    settings: S
    folders: int
    weights_sha256: str | None
    made: frozenset[Path] = frozenset()


def leftover(report: Path, command: str, kind: type[S]) -> Leftover[S]:
    """Read from the report of a command what is left to do; raises UsageError where it does not tell."""
    document = storage.load(report)
    if document["files"] and document.get("command") != command:
        raise UsageError(f"{shown(report)} is no report of `cliphaze {command}`: give it to the command that wrote it")
    base = _base(document)
    records = [record for record in document["files"] if record.get("status") in ("failed", "pending")]
    folders = [record for record in records if record.get("target") is None]
    pairs = [_pair(record, base, report) for record in records if record.get("target") is not None]
    settings = kind.from_record(document.get("settings") or {})
    if settings.weights is not None:
        settings = replace(settings, weights=str(base / native(settings.weights)))
    sha256 = document.get("weights_sha256")
    begun = _begun(document)
    pending = [record for record in records if record["status"] == "pending" and record.get("target") is not None]
    unknown = [_pair(record, base, report)[1] for record in pending]
    return Leftover(
        pairs=tuple(dict.fromkeys(pairs)),
        settings=settings,
        folders=len(folders),
        weights_sha256=sha256 if isinstance(sha256, str) else None,
        made=frozenset(target for target in unknown if begun is not None and _changed_since(target, begun)),
    )


def _begun(document: Document) -> float | None:
    """When a run began that had no end, in seconds since 1970; None where it had one, or where nothing tells."""
    if document.get("exit_status") is not None:
        return None
    try:
        return datetime.fromisoformat(document["started"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _changed_since(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_ctime >= moment  # not st_mtime: outputs take over their sources'
    except OSError:
        return False


def _base(document: Document) -> Path:
    """What relative paths are relative to; nothing where that is the current folder, so that names stay short."""
    directory = document.get("directory")
    if not isinstance(directory, str) or native(directory) == os.getcwd():  # noqa: PTH109
        return Path()
    return Path(native(directory))


def _pair(record: dict[str, Any], base: Path, report: Path) -> tuple[Path, Path]:
    source, target = record.get("source"), record["target"]
    if not isinstance(source, str) or not source or not isinstance(target, str):
        raise UsageError(f"{shown(report)} has a file without a name: it was changed or damaged")
    if format_of_name(Path(target)) is None:
        raise UsageError(f"{shown(report)} has an output that is no {FORMATS_SHOWN} file: {shown(Path(target))}")
    return base / native(source), base / native(target)
