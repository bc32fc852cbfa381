"""Decide which inputs become which outputs; whatever would lose work is refused here, before any work starts."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cliphaze_cli.batch.discover import Found, find_images
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.naming import MapNames, PhotoNames
from cliphaze_cli.batch.refusals import (
    collisions,
    refuse_blocked_outputs,
    refuse_existing,
    refuse_outputs_that_are_inputs,
    too_long,
)
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_of_name, is_image_name
from cliphaze_cli.imaging.other_kinds import kind_of_name, listed, what_it_is
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.part_file import remove_leftovers

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
    unreadable: tuple[tuple[Path, str], ...] = ()
    nothing: str = ""

    @property
    def files(self) -> Iterator[Path]:
        """Every file that is read, written or already written."""
        for job in (*self.jobs, *self.skipped):
            yield from (job.source, *job.outputs)

    def make_folders(self) -> None:
        """Create the folders that the jobs write to; raises UsageError where that or writing there is impossible.

        All before the work starts: a folder that is gone later (a drive unplugged) must not be made anew elsewhere.
        What killed runs left behind is removed, also where nothing is to do any more.
        """
        make_folders(job.target.parent for job in self.jobs)
        for folder in {job.target.parent for job in self.skipped}:
            remove_leftovers(folder)


def plan(
    inputs: Sequence[Path],
    output: Path | None,
    names: Names,
    *,
    recursive: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> Plan:
    """Plan the work from files and folders to `output`.

    Args:
        output: a folder, made later if it is missing; a file, if the only input is one and `output` ends in an image's
            extension without being a folder; None: the folder of each source.
        names: of outputs. recursive: enter sub-folders and mirror them.
        overwrite: replace outputs that exist. skip_existing: leave out jobs whose target exists (whatever of their
            extras does). Neither: an existing output is an error.

    Raises:
        UsageError: contradictory options, only files that are not read, an output that exists or is itself an input.
    """
    if output is not None:
        _refuse_unwritable_kind(output)
    pairs: dict[Path, tuple[Path, Path]] = {}  # by folder and name: a photo given twice is one photo, a link is another
    left_out: Counter[str] = Counter()
    unreadable: list[tuple[Path, str]] = []
    ignored = 0
    nothing: list[str] = []
    for input in inputs:
        kind = None if input.is_dir() else kind_of_name(input)
        if input.is_dir():
            found = _found(input, output, recursive)
            new = _folder_pairs(input, output, names, found)
            if not new:
                nothing.append(_nothing_in(input, found, recursive))
            left_out.update(found.left_out)
            ignored += found.ignored
            unreadable += found.unreadable
        elif kind is not None and input.is_file():
            if len(inputs) == 1:
                raise UsageError(f"{input} {what_it_is(kind)}")
            left_out[kind] += 1
            continue
        else:
            new = [_file_pair(input, output, names, alone=len(inputs) == 1)]
        for source, target in new:
            pairs.setdefault(Path(os.path.realpath(source.parent), source.name), (source, target))
    if not pairs and not nothing:
        raise UsageError(f"no images in what was given: {listed(left_out)} are not read")
    work = plan_pairs(pairs.values(), names, overwrite=overwrite, skip_existing=skip_existing)
    found_none = "" if pairs else "; ".join(nothing)
    return replace(work, left_out=dict(left_out), ignored=ignored, unreadable=tuple(unreadable), nothing=found_none)


def plan_pairs(
    pairs: Iterable[tuple[Path, Path]],
    names: Names,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    made: Collection[Path] = (),
) -> Plan:
    """Plan the work from each source to its target; options and refusals as in `plan`. made: targets that are known to
    be what this work would make, which are left as they are."""
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other: give one of them")
    jobs = [Job(source, target, names.extras(target)) for source, target in pairs]
    refused = too_long(jobs)
    refused |= collisions([job for job in jobs if job not in refused])
    jobs = [job for job in jobs if job not in refused]
    refuse_outputs_that_are_inputs(jobs, advice=names.other_place)
    refuse_blocked_outputs(jobs)
    skipped: dict[Job, None] = {}
    if not overwrite:
        skipped = {job: None for job in jobs if job.target in made or (skip_existing and os.path.lexists(job.target))}
        jobs = [job for job in jobs if job not in skipped]
    if not overwrite and not skip_existing:
        refuse_existing(jobs)
    return Plan(jobs=tuple(jobs), skipped=tuple(skipped), refused=tuple(refused.items()))


def _refuse_unwritable_kind(output: Path) -> None:
    """What was meant as a file must not quietly become a folder of that name."""
    if output.is_dir():
        return
    if str(output) == "-":
        raise UsageError("standard output (-) takes one photo: give one INPUT, or name a folder")
    if kind_of_name(output) or (is_image_name(output) and format_of_name(output) is None):
        raise UsageError(f"OUTPUT {output.name}: {output.suffix} cannot be written, only {FORMATS_SHOWN}")


def _found(folder: Path, output: Path | None, recursive: bool) -> Found:
    if output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too, but {output} is a file")
    if output is not None and _names_an_image(output):
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too; {output} looks like a file")
    exclude = None if output is None or _same_folder(folder, output) else output
    try:
        return find_images(folder, recursive=recursive, exclude=exclude)
    except OSError as error:
        raise UsageError(f"cannot list the folder {folder}: {error.strerror}") from error


def _folder_pairs(folder: Path, output: Path | None, names: Names, found: Found) -> list[tuple[Path, Path]]:
    top = folder if output is None else output
    pairs = [(folder / path, top / path.parent / names.name(path)) for path in found.images]
    if isinstance(names, PhotoNames) and names.suffix and _same_folder(folder, top):
        # Outputs of an earlier run lie among the inputs here: a photo is no input if it is the output of another.
        earlier = {target for _, target in pairs}
        pairs = [(source, target) for source, target in pairs if top / source.relative_to(folder) not in earlier]
    return pairs


def _file_pair(file: Path, output: Path | None, names: Names, *, alone: bool) -> tuple[Path, Path]:
    if not file.exists():
        raise UsageError(f"INPUT does not exist: {file}{_why_missing(str(file), output)}")
    if not file.is_file():
        raise UsageError(f"INPUT is neither a file nor a folder: {file}")
    if output is None:
        return file, file.parent / names.name(file)
    if output.exists() and not output.is_dir() and not (alone and _names_an_image(output)):
        complaint = "is a file without the extension of an image: name an image or a folder"
        raise UsageError(f"OUTPUT {output} {complaint if alone else 'is a file: for several photos name a folder'}")
    if output.is_dir() or not _names_an_image(output):
        return file, output / names.name(file)
    if not alone or not isinstance(names, PhotoNames):
        raise UsageError(f"OUTPUT {output} looks like a file: name a folder here")
    if names.suffix:
        raise UsageError(f"--suffix is for an OUTPUT folder; here OUTPUT names the file itself: {output}")
    of_extension = format_of_name(output)
    if names.format is not None and names.format != of_extension:
        raise UsageError(
            f"OUTPUT {output.name} is {of_extension} by its extension, but --format asks for {names.format}"
        )
    return file, output


def _why_missing(name: str, output: Path | None) -> str:
    if any(character in name for character in "*?"):
        return " (nothing matches this pattern)"
    if any(quote in name for quote in "\"'"):
        return " (with the quotes: were they meant for the shell?)"
    if output is not None and output.exists():
        return f" (the output comes last, and {output} exists: are they in the wrong order?)"
    return ""


def _names_an_image(output: Path) -> bool:
    return format_of_name(output) is not None and not output.is_dir()


def _same_folder(first: Path, second: Path) -> bool:
    return second.exists() and first.samefile(second)


def _nothing_in(folder: Path, found: Found, recursive: bool) -> str:
    others = f" ({found.ignored} other file{'s' if found.ignored > 1 else ''})" if found.ignored else ""
    others = f" ({listed(found.left_out)}: not read)" if found.left_out else others
    hint = "; give --recursive to look into its sub-folders" if found.subfolders and not recursive else ""
    return f"no images in {folder}{others}{hint}"
