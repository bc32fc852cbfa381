"""Decide which inputs become which outputs; whatever would lose work is refused here, before any work starts."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from cliphaze_cli.batch.discover import Found, find_images, find_remote_images
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.leftovers import remove_leftovers_of
from cliphaze_cli.batch.naming import MapNames, PhotoNames
from cliphaze_cli.batch.refusals import (
    collisions,
    refuse_blocked_outputs,
    refuse_existing,
    refuse_outputs_that_are_inputs,
    too_long,
)
from cliphaze_cli.imaging import film_names
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_of_name, is_image_name
from cliphaze_cli.imaging.other_kinds import kind_of_name, listed, what_it_is
from cliphaze_cli.places.look import Look, refuse_missing_bucket
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.places.transfer import refuse_unwritable
from cliphaze_cli.system.errors import UsageError

Names = PhotoNames | MapNames


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
        _refuse_unwritable_kind(output, names, look)
    # By folder and name: a photo given twice is one photo, a link is another.
    pairs: dict[Place, tuple[Place, Place]] = {}
    left_out: Counter[str] = Counter()
    unreadable: list[tuple[Place, str]] = []
    ignored = 0
    nothing: list[str] = []
    for input in inputs:
        kind = None if look.is_folder(input) else kind_of_name(PurePath(input.name), films=names.films)
        if look.is_folder(input):
            found = _found(input, output, recursive, names, look)
            new = _folder_pairs(input, output, names, found)
            if not new:
                nothing.append(_nothing_in(input, found, recursive))
            left_out.update(found.left_out)
            ignored += found.ignored
            unreadable += found.unreadable
        elif kind is not None and look.is_file(input):
            if len(inputs) == 1:
                raise UsageError(f"{input} {what_it_is(kind)}")
            left_out[kind] += 1
            continue
        else:
            new = [_file_pair(input, output, names, look, alone=len(inputs) == 1)]
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


def _refuse_unwritable_kind(output: Place, names: Names, look: Look) -> None:
    """What was meant as a file must not quietly become a folder of that name."""
    if isinstance(output, Remote) and not output.is_writable:
        raise UsageError(f"{output.protocol}:// can only be read: choose another OUTPUT than {output}")
    refuse_missing_bucket(output)
    if look.is_folder(output):
        return
    if str(output) == "-":
        raise UsageError("standard output (-) takes one photo: give one INPUT, or name a folder")
    name = PurePath(output.name)
    if names.films and film_names.names_a_film(name):
        if not film_names.films_are_read():
            raise UsageError(f"OUTPUT {output.name} {what_it_is('video').replace('read', 'written')}")
        if film_names.container_of_name(name) is None:
            shown = film_names.CONTAINERS_SHOWN
            raise UsageError(f"OUTPUT {output.name}: {output.suffix} cannot be written, only {shown}")
        return
    if kind_of_name(name) or (is_image_name(name) and format_of_name(name) is None):
        raise UsageError(f"OUTPUT {output.name}: {output.suffix} cannot be written, only {FORMATS_SHOWN}")


def _found(folder: Place, output: Place | None, recursive: bool, names: Names, look: Look) -> Found:
    if output is not None and look.exists(output) and not look.is_folder(output):
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too, but {output} is a file")
    if output is not None and _names_a_file(output, look):
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too; {output} looks like a file")
    exclude = None if output is None or _same_folder(folder, output) else output
    if isinstance(folder, Remote):
        inside = exclude if isinstance(exclude, Remote) and exclude.is_in(folder) else None
        return find_remote_images(folder, recursive=recursive, exclude=inside, films=names.films)
    try:
        inside_here = exclude if isinstance(exclude, Path) else None
        return find_images(folder, recursive=recursive, exclude=inside_here, films=names.films)
    except OSError as error:
        raise UsageError(f"cannot list the folder {folder}: {error.strerror}") from error


def _folder_pairs(folder: Place, output: Place | None, names: Names, found: Found) -> list[tuple[Place, Place]]:
    top = folder if output is None else output
    pairs = {path: (folder / path, top / path.parent / names.name(path)) for path in found.images}
    if isinstance(names, PhotoNames) and names.suffix and _same_folder(folder, top):
        # Outputs of an earlier run lie among the inputs here: a photo is no input if it is the output of another.
        earlier = {target for _, target in pairs.values()}
        return [pair for path, pair in pairs.items() if top / path not in earlier]
    return list(pairs.values())


def _file_pair(file: Place, output: Place | None, names: Names, look: Look, *, alone: bool) -> tuple[Place, Place]:
    if not look.exists(file):
        raise UsageError(f"INPUT does not exist: {file}{_why_missing(str(file), output, look)}")
    if not look.is_file(file):
        raise UsageError(f"INPUT is neither a file nor a folder: {file}")
    if output is None:
        return file, file.parent / names.name(file)
    if look.exists(output) and not look.is_folder(output) and not (alone and _names_a_file(output, look)):
        complaint = "is a file without the extension of an image: name an image or a folder"
        raise UsageError(f"OUTPUT {output} {complaint if alone else 'is a file: for several photos name a folder'}")
    if look.is_folder(output) or not _names_a_file(output, look):
        return file, output / names.name(file)
    if not alone or not isinstance(names, PhotoNames):
        raise UsageError(f"OUTPUT {output} looks like a file: name a folder here")
    if names.suffix:
        raise UsageError(f"--suffix is for an OUTPUT folder; here OUTPUT names the file itself: {output}")
    of_extension = format_of_name(PurePath(output.name))
    if film_names.is_film_name(PurePath(file.name)) != (of_extension is None):
        kinds = ("a film", "a photo") if of_extension is None else ("a photo", "a film")
        raise UsageError(f"OUTPUT {output.name} names {kinds[0]}, but {file} is {kinds[1]}: give it another ending")
    if of_extension is not None and names.format is not None and names.format != of_extension:
        raise UsageError(
            f"OUTPUT {output.name} is {of_extension} by its extension, but --format asks for {names.format}"
        )
    return file, output


def _why_missing(name: str, output: Place | None, look: Look) -> str:
    if any(character in name for character in "*?"):
        return " (nothing matches this pattern)"
    if any(quote in name for quote in "\"'"):
        return " (with the quotes: were they meant for the shell?)"
    if output is not None and look.exists(output):
        return f" (the output comes last, and {output} exists: are they in the wrong order?)"
    return ""


def _names_a_file(output: Place, look: Look) -> bool:
    name = PurePath(output.name)
    named = format_of_name(name) is not None or film_names.container_of_name(name) is not None
    return named and not look.is_folder(output)


def _same_folder(first: Place, second: Place) -> bool:
    if isinstance(first, Path) and isinstance(second, Path):
        return second.exists() and first.samefile(second)
    return first == second


def _nothing_in(folder: Place, found: Found, recursive: bool) -> str:
    others = f" ({found.ignored} other file{'s' if found.ignored > 1 else ''})" if found.ignored else ""
    others = f" ({listed(found.left_out)}: not read)" if found.left_out else others
    hint = "; give --recursive to look into its sub-folders" if found.subfolders and not recursive else ""
    return f"no images in {folder}{others}{hint}"
