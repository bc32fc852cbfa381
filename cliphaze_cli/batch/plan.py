"""Decide which inputs become which outputs; whatever would lose work is refused here, before any work starts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path, PurePath

from cliphaze_cli.batch.discover import Counts
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.job_list import JobList
from cliphaze_cli.batch.leftovers import remove_leftovers_of
from cliphaze_cli.batch.once import Once
from cliphaze_cli.batch.outputs_there import OutputsThere
from cliphaze_cli.batch.pair_list import Folders, PairList
from cliphaze_cli.batch.pairing import Names, file_pair, found_in, is_in_place, nothing_in, refuse_unwritable_kind
from cliphaze_cli.batch.refusals import collisions, refuse_blocked_outputs, too_long
from cliphaze_cli.imaging.other_kinds import kind_of_name, listed, what_it_is
from cliphaze_cli.places.look import Look, refuse_missing_bucket
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.places.transfer import refuse_unwritable
from cliphaze_cli.system.errors import UsageError

_TOGETHER = 10_000  # photos that are planned at a time, unless one folder takes more


@dataclass(frozen=True)
class Plan:
    """What to do.

    skipped: jobs that have their output already. refused: jobs whose outputs would replace another's, and why.
    left_out: how many files are of which other kinds; ignored: how many are no pictures. unreadable: sub-folders that
    could not be listed, and why. nothing: why there is nothing to do, where folders held no images.
    """

    jobs: Collection[Job]
    skipped: Collection[Job] = ()
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
        remove_leftovers_of(chain(self.skipped, (job for job in self.jobs if not job.is_local)))


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
    once, pairs, counts = Once(names.films), PairList(), Counts()
    nothing: list[str] = []
    for input in inputs:
        kind = None if look.is_folder(input) else kind_of_name(PurePath(input.name), films=names.films)
        if look.is_folder(input):
            here = _add_folder(input, output, recursive, names, look, once, pairs)
            if not here.photos:
                nothing.append(nothing_in(input, here, recursive))
            counts.add(here)
        elif kind is not None and look.is_file(input):
            if len(inputs) == 1:
                raise UsageError(f"{input} {what_it_is(kind)}")
            counts.left_out[kind] += 1
        else:
            source, target = file_pair(input, output, names, look, alone=len(inputs) == 1)
            if once.is_new(source):
                pairs.add(source, target)
    if not pairs and not nothing:
        raise UsageError(f"no images in what was given: {listed(counts.left_out)} are not read")
    work = _plan(pairs, names, overwrite=overwrite, skip_existing=skip_existing, look=look)
    return replace(
        work,
        left_out=dict(counts.left_out),
        ignored=counts.ignored,
        unreadable=tuple(counts.unreadable),
        nothing="" if pairs else "; ".join(nothing),
    )


def _add_folder(
    folder: Place, output: Place | None, recursive: bool, names: Names, look: Look, once: Once, pairs: PairList
) -> Counts:
    """Add what a folder holds to the pairs."""
    counts = Counts()
    top, in_place = folder if output is None else output, is_in_place(folder, output, names)
    once.begin_folder()
    for found in found_in(folder, output, recursive, names, look):
        folders = Folders(folder / found.folder, top / found.folder, in_place)
        for name in once.new_in(folders.source, found.names):
            pairs.add_in(folders, name, names.name(PurePath(name)))
        counts.add(found)
    return counts


def plan_pairs(
    pairs: Iterable[tuple[Place, Place]],
    names: Names,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    made: Collection[Place] = (),
) -> Plan:
    """Plan the work from each source to its target; options and refusals as in `plan`. made: targets that are known to
    be what this work would make, which are left as they are."""
    listed_pairs = PairList()
    for source, target in pairs:
        listed_pairs.add(source, target)
    return _plan(listed_pairs, names, overwrite=overwrite, skip_existing=skip_existing, made=made, look=Look())


def _plan(
    pairs: PairList,
    names: Names,
    *,
    overwrite: bool,
    skip_existing: bool,
    look: Look,
    made: Collection[Place] = (),
) -> Plan:
    """Some folders at a time: names collide within a folder only, and a list of all photos may not fit in memory."""
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other: give one of them")
    for bucket in pairs.target_buckets:
        refuse_missing_bucket(bucket)
    left, skipped, refused, there = JobList(), JobList(), dict[Job, str](), OutputsThere()
    for some in _together(pairs.groups):
        jobs = [Job(source, target, names.extras(target)) for source, target in some]
        refused_here = too_long(jobs)
        refused_here |= collisions([job for job in jobs if job not in refused_here])
        jobs = [job for job in jobs if job not in refused_here]
        look.prepare(output for job in jobs for output in job.outputs)
        refuse_blocked_outputs(jobs, look)
        there.note(jobs, look)
        kept: set[Job] = set()
        if not overwrite:
            kept = {job for job in jobs if job.target in made or (skip_existing and look.taken(job.target))}
        jobs_left = [job for job in jobs if job not in kept]
        if not overwrite and not skip_existing:
            there.note_in_the_way(jobs_left, look)
        left.extend(jobs_left)
        skipped.extend(job for job in jobs if job in kept)
        refused |= refused_here
        look.forget()
    there.refuse_inputs(pairs.sources, (left, skipped), advice=names.other_place)
    there.refuse_in_the_way()
    return Plan(jobs=left, skipped=skipped, refused=tuple(refused.items()))


def _together(groups: Iterable[list[tuple[Place, Place]]]) -> Iterator[list[tuple[Place, Place]]]:
    """Whole groups, as many as make up some thousand pairs."""
    some: list[tuple[Place, Place]] = []
    for group in groups:
        if some and len(some) + len(group) > _TOGETHER:
            yield some
            some = []
        some += group
    if some:
        yield some
