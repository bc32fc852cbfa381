"""What a batch refuses before it starts: every reason for which work would be lost or overwritten."""

import errno
import functools
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from cliphaze_cli.batch.job import Job
from cliphaze_cli.report.storage import ENDINGS
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.part_file import create_part


def collisions(jobs: Sequence[Job]) -> dict[Job, str]:
    """The jobs whose outputs would replace those of an earlier one, and why. Names that only upper and lower case, or
    their Unicode form, tell apart collide where the disk does not keep them apart."""
    written: dict[Path, Job] = {}
    alike: dict[str, tuple[Job, Path]] = {}
    refused: dict[Job, str] = {}
    for job in jobs:
        for output in job.outputs:
            first, name = alike.get(_key(output), (job, output))
            if output in written or (first != job and not _keeps_apart(output.parent)):
                first, name = written.get(output, first), output if output in written else name
                refused[job] = (
                    f"{first.source} is written to {name} already, and this one would replace it: "
                    "rename one of them, or do them separately"
                )
        if job not in refused:
            for output in job.outputs:
                written[output] = job
                alike.setdefault(_key(output), (job, output))
    return refused


def too_long(jobs: Sequence[Job]) -> dict[Job, str]:
    """The jobs with an output whose name no disk here takes, and why."""
    return {job: why for job in jobs for output in job.outputs if (why := _too_long(output))}


def _too_long(output: Path) -> str | None:
    try:
        (_existing(output.parent) / output.name).lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return f"the name of its output {output.name} is too long: rename the photo, or shorten --suffix"
    return None


@functools.cache
def _keeps_apart(folder: Path) -> bool:
    """Whether names that differ by case or Unicode form only can both be in `folder`, or where it will be made. Seen by
    trying, as each folder of a disk may have its own rules."""
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


def refuse_outputs_that_are_inputs(jobs: Sequence[Job], *, advice: str) -> None:
    """Raise UsageError with the `advice` if an output is one of the inputs, by whatever path or link."""
    inputs = {identity: job.source for job in jobs if (identity := _identity(job.source)) is not None}
    for job in jobs:
        for output in job.outputs:
            identity = _identity(output)
            if identity is not None and identity in inputs:
                raise UsageError(f"the output {output} is an input ({inputs[identity]}): {advice}")


def refuse_blocked_outputs(jobs: Sequence[Job]) -> None:
    """Raise UsageError if a folder stands where an output file should go."""
    for job in jobs:
        for output in job.outputs:
            if output.is_dir():
                raise UsageError(f"cannot write {output}: a folder of that name is in the way")


def refuse_existing(jobs: Sequence[Job]) -> None:
    """Raise UsageError if any output exists."""
    existing = [output for job in jobs for output in job.outputs if os.path.lexists(output)]
    if existing:
        count = "1 output exists" if len(existing) == 1 else f"{len(existing)} outputs exist"
        first = existing[0] if len(existing) == 1 else f"first: {existing[0]}"
        raise UsageError(
            f"{count} already ({first}): give --skip-existing to keep what is there, or --overwrite to replace it"
        )


def refuse_report(report: Path, others: Iterable[Path], *, overwrite: bool) -> None:
    """Raise UsageError if a report cannot be written to that path, or would replace one of the `others` or, without
    `overwrite`, any file."""
    if report.suffix.lower() not in ENDINGS:
        raise UsageError(f"--report takes a name that ends in {' or '.join(ENDINGS)}, not {report.name!r}")
    if report.is_dir():
        raise UsageError(f"cannot write the report {report}: a folder of that name is in the way")
    key, identity = _key(report), _identity(report)
    for other in others:
        if _key(other) == key or (identity is not None and _identity(other) == identity):
            raise UsageError(f"the report {report} would replace {other}: choose another name for it")
    if os.path.lexists(report) and not overwrite:
        raise UsageError(f"the report {report} exists already: choose another name, or give --overwrite to replace it")


def _key(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path.absolute())).casefold()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None  # some network drives number no files
