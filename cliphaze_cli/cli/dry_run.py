"""--dry-run: a run told beforehand, without doing, making or loading anything."""

import os
from pathlib import Path
from typing import Any

from cliphaze_cli.batch.folders import refuse_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.loading import clip_for, teacher
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.cli import first_use, outcome
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.tally import Tally
from cliphaze_cli.hub.cache import is_there
from cliphaze_cli.hub.registry import find, pinned_clip
from cliphaze_cli.hub.resolve import not_here
from cliphaze_cli.imaging.other_kinds import listed
from cliphaze_cli.places.look import Look
from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.report.document import FORMAT
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.versions import __version__


def dry_run(
    name: str, done_word: str, work: Plan, settings: Settings | DensitySettings, console: Console, *, may_download: bool
) -> int:
    """Print what the command `name` would do, and return the exit code that is known already: 1 where photos would
    fail. Raises what the run itself would refuse before it starts, as far as that can be seen without trying."""
    refuse_folders(job.target.parent for job in work.jobs if isinstance(job.target, Path))
    fetched = _weights(settings, may_download=may_download) if work.jobs else None
    results = outcome.all_results(work, ())
    jobs = {job.source: job for job in work.jobs}
    look = Look()
    look.prepare(output for job in work.jobs for output in job.outputs)
    replacing = {job.source for job in work.jobs if any(look.taken(output) for output in job.outputs)}
    code = outcome.exit_code(Tally.of(results), interrupted=False)
    for result in results:
        console.answer(_line(result, jobs.get(result.source), replaces=result.source in replacing))
    if work.left_out:
        console.answer(f"left out for their kind: {listed(work.left_out)}")
    if fetched is not None:
        console.answer(f"CLIP {fetched} would be fetched first")
    failed = len(results) - len(work.jobs) - len(work.skipped)
    parts = [f"{len(work.jobs)} would be {done_word}"]
    parts += [f"{len(work.skipped)} skipped (outputs exist)"] if work.skipped else []
    parts += [f"{failed} would fail"] if failed else []
    parts += [f"{sum(work.left_out.values())} left out for their kind"] if work.left_out else []
    console.answer(f"nothing to do: {work.nothing}" if work.nothing and not failed else ", ".join(parts))
    console.result(
        {
            "format": FORMAT,
            "command": name,
            "version": __version__,
            "dry_run": True,
            "exit_status": code,
            "planned": len(work.jobs),
            "skipped": len(work.skipped),
            "failed": failed,
            "left_out": dict(work.left_out),
            "ignored": work.ignored,
            "fetched": fetched,
            "settings": settings.record,
            "directory": os.getcwd(),  # noqa: PTH109 - a text, not a Path
            "files": [
                _record(result, jobs.get(result.source), replaces=result.source in replacing) for result in results
            ],
        }
    )
    return code


def _line(result: FileResult, job: Job | None, *, replaces: bool) -> str:
    if job is not None:
        note = " (replaces what is there)" if replaces else ""
        return f"{shown(job.source)} -> {', '.join(map(shown, job.outputs))}{note}"
    if result.status == "skipped" and result.target is not None:
        return f"skipped: {shown(result.source)}: {shown(result.target)} exists"
    return f"would fail: {outcome.failure_line(result)}"


def _record(result: FileResult, job: Job | None, *, replaces: bool) -> dict[str, Any]:
    return {
        "source": str(result.source),
        "target": None if result.target is None else str(result.target),
        "status": result.status if job is None else "planned",
        "reason": result.reason if job is None else None,
        "replaces": replaces,
        "density_files": [] if job is None else [str(path) for path in job.extras],
    }


def _weights(settings: Settings | DensitySettings, *, may_download: bool) -> str | None:
    """The name of the CLIP that the run would fetch first, if any. Raises WeightsError where weights that the registry
    names are missing; of others nothing is said, as open_clip and PyTorch would have to be loaded."""
    by_network = isinstance(settings, Settings) or settings.source == "model"
    if by_network and settings.weights is None:
        entry = find(settings.model)
        if not is_there(entry):
            raise not_here(entry)
    if isinstance(settings, Settings):
        clip = settings.clip and clip_for(settings.clip, teacher(settings.model, settings.weights))
    else:
        clip = None if by_network else settings.clip or DEFAULT_MODEL
    pinned = pinned_clip(clip) if clip else None
    if pinned is None or is_there(pinned):
        return None
    if not may_download or first_use.is_offline():
        raise not_here(pinned)
    return pinned.name
