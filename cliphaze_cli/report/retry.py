"""What a report says is still to be done."""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, Generic, TypeVar

from cliphaze_cli.imaging.film_names import container_of_name
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_of_name
from cliphaze_cli.places.remote import Place, Remote, parse
from cliphaze_cli.report import storage
from cliphaze_cli.report.document import Document
from cliphaze_cli.report.lines import ENDING
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.text import native

S = TypeVar("S", Settings, DensitySettings)
_COARSEST = 2.0  # seconds: to which disks (FAT) round times


@dataclass(frozen=True)
class Leftover(Generic[S]):
    """The files of a report that failed or were not reached.

    pairs: source and target, as the report mapped them. settings: of the report's run. folders: how many folders could
    not be listed then, whose files are therefore unknown. weights_sha256: of the weights that were used, if any were.
    made: targets that a killed run had made since its report was last written: outputs appear whole or not at all.
    """

    pairs: tuple[tuple[Place, Place], ...]
    settings: S
    folders: int
    weights_sha256: str | None
    made: frozenset[Place] = frozenset()
    cut: bool = False  # the run was killed, and its report has only the files that it had finished


def leftover(report: Place, command: str, kind: type[S]) -> Leftover[S]:
    """Read from the report of a command what is left to do; raises UsageError where it does not tell."""
    document = storage.load(report)
    if document["files"] and document.get("command") != command:
        raise UsageError(f"{shown(report)} is no report of `cliphaze {command}`: give it to the command that wrote it")
    base = _base(document)
    records = [record for record in document["files"] if record.get("status") in ("failed", "pending")]
    named = [record for record in records if record.get("target") is not None]
    pairs = [_pair(record, base, report) for record in named]
    settings = kind.from_record(document.get("settings") or {})
    if settings.weights is not None:
        settings = replace(settings, weights=str(base / native(settings.weights)))
    sha256 = document.get("weights_sha256")
    begun = _begun(document)
    unknown = [pair for pair, record in zip(pairs, named, strict=True) if record["status"] == "pending"]
    return Leftover(
        pairs=tuple(dict.fromkeys(pairs)),
        settings=settings,
        folders=len(records) - len(named),
        weights_sha256=sha256 if isinstance(sha256, str) else None,
        cut=report.suffix.lower() == ENDING and document.get("exit_status") is None,
        made=frozenset(
            target for source, target in unknown if begun is not None and _made_since(begun, target, source)
        ),
    )


def _begun(document: Document) -> float | None:
    """When a run began that had no end, in seconds since 1970; None where it had one, or where nothing tells."""
    if document.get("exit_status") is not None:
        return None
    try:
        return datetime.fromisoformat(document["started"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _made_since(moment: float, target: Place, source: Place) -> bool:
    """Whether a run that began at `moment` made `target`, as far as times tell."""
    if isinstance(target, Remote):
        from cliphaze_cli.places.look import modified as modified_there

        return (modified_there(target) or 0.0) >= moment
    try:
        status, modified = target.lstat(), source.stat().st_mtime if isinstance(source, Path) else moment
    except OSError:
        return False
    # What this run made has changed since then (st_ctime), but so has what somebody only renamed or opened to others.
    # What it made is besides dated since then too, or else as its source, whose time outputs take over.
    dated_so = status.st_mtime >= moment or abs(status.st_mtime - modified) <= _COARSEST
    return status.st_ctime >= moment and dated_so


def _base(document: Document) -> Path:
    """What relative paths are relative to; nothing where that is the current folder, so that names stay short."""
    directory = document.get("directory")
    if not isinstance(directory, str) or native(directory) == os.getcwd():  # noqa: PTH109
        return Path()
    return Path(native(directory))


def _pair(record: dict[str, Any], base: Path, report: Place) -> tuple[Place, Place]:
    source, target = record.get("source"), record["target"]
    if not isinstance(source, str) or not source or not isinstance(target, str):
        raise UsageError(f"{shown(report)} has a file without a name: it was changed or damaged")
    if format_of_name(PurePath(target)) is None and container_of_name(PurePath(target)) is None:
        raise UsageError(f"{shown(report)} has an output that is no {FORMATS_SHOWN} file: {shown(Path(target))}")
    return _place(source, base), _place(target, base)


def _place(text: str, base: Path) -> Place:
    place = parse(text)
    return place if isinstance(place, Remote) else base / native(text)
