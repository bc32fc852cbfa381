"""Decide which inputs become which outputs; whatever would lose work is refused here, before any work starts."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.leftovers import remove_leftovers_of
from cliphaze_cli.batch.pairing import Names, file_pair, folder_pairs, found_in, nothing_in, refuse_unwritable_kind
from cliphaze_cli.batch.refusals import (
    collisions,
    refuse_blocked_outputs,
    refuse_existing,
    refuse_outputs_that_are_inputs,
    too_long,
)
from cliphaze_cli.imaging.other_kinds import kind_of_name, listed, what_it_is
from cliphaze_cli.places.look import Look, refuse_missing_bucket
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.places.transfer import refuse_unwritable
from cliphaze_cli.system.errors import UsageError


@dataclass(frozen=True)
class Plan:
    """What to do.

    skipped: jobs that have their output already. refused: jobs whose outputs would replace another's, and why.
    left_out: how many files are of which other kinds; ignored: how many are no pictures. unreadable: sub-folders that
    could not be listed, and why. nothing: why there is nothing to do, where folders held no images.
    """

    jobs: tuple[Job, ...]
    skipped: tuple[Job, ...] = ()
    refused: tuple[tuple[Job, str], ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    ignored: int = 0
    unreadable: tuple[tuple[Place, str], ...] = ()
    nothing: str = ""

    @property
    def files(self) -> Iterator[Place]:
        """Every file that is read, written or already written."""
        for job in (*self.jobs, *self.skipped):
            yield from (job.source, *job.outputs)

    def make_folders(self) -> None:
        """Create the folders that the jobs write to; raises UsageError where that or writing there is impossible.

        All before the work starts: a folder that is gone later (a drive unplugged) must not be made anew elsewhere.
        What killed runs left behind is removed, also where nothing is to do any more.
        """
        make_folders(job.target.parent for job in self.jobs if isinstance(job.target, Path))
        first_of_bucket = {job.target.root: job.target.parent for job in self.jobs if isinstance(job.target, Remote)}
        for folder in first_of_bucket.values():
            refuse_unwritable(folder)
        remove_leftovers_of([*self.skipped, *(job for job in self.jobs if not job.is_local)])


def plan(
    inputs: Sequence[Place],
    output: Place | None,
    names: Names,
    *,
    recursive: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> Plan:
    """Plan the work from files and folders to `output`, on this machine or elsewhere.

    Args:
        output: a folder, made later if it is missing; a file, if the only input is one and `output` ends in an image's
            extension without being a folder; None: the folder of each source.
        names: of outputs. recursive: enter sub-folders and mirror them.
        overwrite: replace outputs that exist. skip_existing: leave out jobs whose target exists (whatever of their
            extras does). Neither: an existing output is an error.

    Raises:
        UsageError: contradictory options, only files that are not read, an output that exists or is itself an input.
    """
    look = Look()
    if output is not None:
        refuse_unwritable_kind(output, names, look)
    # By folder and name: a photo given twice is one photo, a link is another.
    pairs: dict[Place, tuple[Place, Place]] = {}
    left_out: Counter[str] = Counter()
    unreadable: list[tuple[Place, str]] = []
    ignored = 0
    nothing: list[str] = []
    for input in inputs:
        kind = None if look.is_folder(input) else kind_of_name(PurePath(input.name), films=names.films)
        if look.is_folder(input):
            found = found_in(input, output, recursive, names, look)
            new = folder_pairs(input, output, names, found)
            if not new:
                nothing.append(nothing_in(input, found, recursive))
            left_out.update(found.left_out)
            ignored += found.ignored
            unreadable += found.unreadable
        elif kind is not None and look.is_file(input):
            if len(inputs) == 1:
                raise UsageError(f"{input} {what_it_is(kind)}")
            left_out[kind] += 1
            continue
        else:
            new = [file_pair(input, output, names, look, alone=len(inputs) == 1)]
        for source, target in new:
            pairs.setdefault(_without_links(source), (source, target))
    if not pairs and not nothing:
        raise UsageError(f"no images in what was given: {listed(left_out)} are not read")
    work = plan_pairs(pairs.values(), names, overwrite=overwrite, skip_existing=skip_existing, look=look)
    found_none = "" if pairs else "; ".join(nothing)
    return replace(work, left_out=dict(left_out), ignored=ignored, unreadable=tuple(unreadable), nothing=found_none)


def plan_pairs(
    pairs: Iterable[tuple[Place, Place]],
    names: Names,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    made: Collection[Place] = (),
    look: Look | None = None,
) -> Plan:
    """Plan the work from each source to its target; options and refusals as in `plan`. made: targets that are known to
    be what this work would make, which are left as they are. look: of the same planning."""
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other: give one of them")
    look = look or Look()
    jobs = [Job(source, target, names.extras(target)) for source, target in pairs]
    for bucket in {job.target.root for job in jobs if isinstance(job.target, Remote)}:
        refuse_missing_bucket(bucket)
    refused = too_long(jobs)
    refused |= collisions([job for job in jobs if job not in refused])
    jobs = [job for job in jobs if job not in refused]
    refuse_outputs_that_are_inputs(jobs, advice=names.other_place)
    look.prepare(output for job in jobs for output in job.outputs)
    refuse_blocked_outputs(jobs, look)
    skipped: dict[Job, None] = {}
    if not overwrite:
        skipped = {job: None for job in jobs if job.target in made or (skip_existing and look.taken(job.target))}
        jobs = [job for job in jobs if job not in skipped]
    if not overwrite and not skip_existing:
        refuse_existing(jobs, look)
    return Plan(jobs=tuple(jobs), skipped=tuple(skipped), refused=tuple(refused.items()))


def _without_links(source: Place) -> Place:
    return source if isinstance(source, Remote) else Path(os.path.realpath(source.parent), source.name)
