"""The life of a photo whose source or target is not on this machine: by way of a private folder of files."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.made_meanwhile import ended, leave_out_if_made
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.places.remote import Place, Remote, on_disk
from cliphaze_cli.places.spool import private_folder
from cliphaze_cli.places.transfer import fetch, put
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.atomic_file import shown


def work_staged(job: Job, options: WorkOptions, work_here: Callable[[Job], FileResult]) -> FileResult:
    """Fetch what is remote, do the job with files, and put what is meant to go elsewhere.

    work_here: does a job of this machine, and never raises. Whatever goes wrong is text in the result.
    """
    started = time.perf_counter()
    result = FileResult(job.source, job.target, "failed")
    try:
        leave_out_if_made(job.target, options.skip_existing)
        with private_folder() as folder:
            here = _staged(job, folder)
            if isinstance(job.source, Remote):
                fetch(job.source, on_disk(here.source), max_bytes=options.limits.decoder_bytes)
            done = result = _told(work_here(here), job, here)
            if done.status == "done" and isinstance(job.target, Remote):
                result = replace(done, extras=(), target_bytes=None)
                _deliver(job, here, options)
                result = done
    except Exception as error:  # noqa: BLE001 - one bad file never stops a batch
        result = ended(result, error, options.skip_existing)
    return replace(result, seconds=time.perf_counter() - started)


def _staged(job: Job, folder: Path) -> Job:
    """The same job with files in a folder instead of what is remote."""
    source: Place = job.source
    if isinstance(source, Remote):
        source = folder / "source"  # no name: it may be longer than those of files
    if isinstance(job.target, Path):
        return Job(source, job.target, job.extras)
    outputs = folder / "outputs"
    outputs.mkdir()
    return Job(source, outputs / job.target.name, tuple(outputs / extra.name for extra in job.extras))


def _deliver(job: Job, here: Job, options: WorkOptions) -> None:
    """Put the maps, and then the photo: where that exists, its job is complete."""
    leave_out_if_made(job.target, options.skip_existing)
    for file, place in reversed(list(zip(here.outputs, job.outputs, strict=True))):
        if isinstance(place, Remote) and on_disk(file).exists():  # a photo without maps has none to put
            maps_replace = place != job.target and options.skip_existing
            put(on_disk(file), place, replace=options.overwrite or maps_replace)


def _told(result: FileResult, job: Job, here: Job) -> FileResult:
    """A result of files, told of the places that people know."""
    names = [(here.source, job.source)]
    if here.target != job.target:
        names.append((here.target.parent, job.target.parent))

    def told(text: str) -> str:
        for file, place in names:
            text = text.replace(shown(file), shown(place))
        return text

    return replace(
        result,
        source=job.source,
        target=job.target,
        extras=job.extras if result.extras else (),
        reason=result.reason and told(result.reason),
        notices=tuple(told(notice) for notice in result.notices),
    )
