"""What a batch refuses before it starts: every reason for which work would be lost or overwritten."""

import errno
import functools
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from cliphaze_cli.batch.job import Job
from cliphaze_cli.imaging.comparison_paths import SHEET_ENDINGS, sheet_paths
from cliphaze_cli.places.look import Look, refuse_missing_bucket
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.report.lines import ENDING as LINES_ENDING
from cliphaze_cli.report.storage import ENDINGS
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.part_file import create_part

_LONGEST_NAME = 255  # bytes: it is written to a file first
_LONGEST_KEY = 1024  # of S3, without the bucket


def collisions(jobs: Sequence[Job]) -> dict[Job, str]:
    """The jobs whose outputs would replace those of an earlier one, and why. Names that only upper and lower case, or
    their Unicode form, tell apart collide where the disk does not keep them apart."""
    written: dict[Place, Job] = {}
    alike: dict[str, tuple[Job, Place]] = {}
    refused: dict[Job, str] = {}
    for job in jobs:
        for output in job.outputs:
            first, name = alike.get(name_key(output), (job, output))
            if output in written or (first != job and not _keeps_apart(output.parent)):
                first, name = written.get(output, first), output if output in written else name
                refused[job] = (
                    f"{first.source} is written to {name} already, and this one would replace it: "
                    "rename one of them, or do them separately"
                )
        if job not in refused:
            for output in job.outputs:
                written[output] = job
                alike.setdefault(name_key(output), (job, output))
    return refused


def too_long(jobs: Sequence[Job]) -> dict[Job, str]:
    """The jobs with an output whose name no disk, or no store, takes, and why."""
    return {job: why for job in jobs for output in job.outputs if (why := _too_long(output))}


def _too_long(output: Place) -> str | None:
    if isinstance(output, Remote):
        return _impossible(output)
    try:
        (_existing(output.parent) / output.name).lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return f"the name of its output {output.name} is too long: rename the photo, or shorten --suffix"
    return None


def _impossible(output: Remote) -> str | None:
    try:
        name, path = output.name.encode(), output.path.encode()
    except UnicodeEncodeError:
        return f"the name of its output {output.name!a} is not UTF-8, as names there have to be: rename the photo"
    if len(name) > _LONGEST_NAME or len(path) > _LONGEST_KEY:
        return f"the name of its output {output.name} is too long: rename the photo, or shorten --suffix"
    return None


@functools.cache
def _keeps_apart(folder: Place) -> bool:
    """Whether names that differ by case or Unicode form only can both be in `folder`, or where it will be made. Seen by
    trying, as each folder of a disk may have its own rules; stores keep all names apart."""
    if isinstance(folder, Remote):
        return True
    try:
        trial, descriptor = create_part(_existing(folder) / os.fsdecode("\u00c9".encode()))
    except OSError:  # told as soon as outputs are to be written there
        return True
    os.close(descriptor)
    try:
        name = os.fsencode(trial.name).decode()  # its letters, whatever the locale's alphabet is
        others = (name.lower(), unicodedata.normalize("NFD", name).lower())
        return not any(os.path.lexists(trial.with_name(os.fsdecode(other.encode()))) for other in others)
    finally:
        trial.unlink()


def _existing(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next((each for each in (folder, *folder.parents) if each.is_dir()), folder)


def refuse_blocked_outputs(jobs: Sequence[Job], look: Look) -> None:
    """Raise UsageError if a folder stands where an output file should go."""
    for job in jobs:
        for output in job.outputs:
            if look.is_folder(output):
                raise UsageError(f"cannot write {output}: a folder of that name is in the way")


def refuse_report(report: Place, others: Iterable[Place], *, overwrite: bool) -> None:
    """Raise UsageError if a report cannot be written to that path, or would replace one of the `others` or, without
    `overwrite`, any file."""
    if report.suffix.lower() not in ENDINGS:
        raise UsageError(f"--report takes a name that ends in {' or '.join(ENDINGS)}, not {report.name!r}")
    if isinstance(report, Remote) and not report.is_writable:
        raise UsageError(f"{report.protocol}:// can only be read: choose another place for the report than {report}")
    if isinstance(report, Remote) and report.suffix.lower() == LINES_ENDING:
        raise UsageError(f"a report that grows needs a file of this machine: give {report.stem}.json or .csv there")
    refuse_missing_bucket(report)
    _refuse_taken("the report", report, others, overwrite=overwrite)


def refuse_sheet(sheet: Path, pairs: int, others: Iterable[Place], *, overwrite: bool) -> None:
    """The same for the pages of a sheet of so many comparisons."""
    if sheet.suffix.lower() not in SHEET_ENDINGS:
        raise UsageError(f"--compare-sheet takes a name that ends in {' or '.join(SHEET_ENDINGS)}, not {sheet.name!r}")
    others = list(others)
    for page in sheet_paths(sheet, pairs):
        if _too_long(page):
            raise UsageError(f"the name of the sheet {page.name} is too long: choose a shorter one")
        _refuse_taken("the sheet", page, others, overwrite=overwrite)


def _refuse_taken(what: str, path: Place, others: Iterable[Place], *, overwrite: bool) -> None:
    look = Look()
    if look.is_folder(path):
        raise UsageError(f"cannot write {what} {path}: a folder of that name is in the way")
    key, own = name_key(path), identity(path)
    for other in others:
        if name_key(other) == key or (own is not None and identity(other) == own):
            raise UsageError(f"{what} {path} would replace {other}: choose another name for it")
    if look.taken(path) and not overwrite:
        raise UsageError(f"{what} {path} exists already: choose another name, or give --overwrite to replace it")


def name_key(path: Place) -> str:
    """What is alike of names that some disk does not keep apart, by case or Unicode form."""
    return unicodedata.normalize("NFC", str(path if isinstance(path, Remote) else path.absolute())).casefold()


def identity(path: Place) -> tuple[int, int] | Remote | None:
    """What tells a file from others by whatever path or link; None where there is none, or nothing tells."""
    if isinstance(path, Remote):
        return path
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None  # some network drives number no files
