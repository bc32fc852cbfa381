"""Decide which inputs become which outputs; whatever would lose work is refused here, before any work starts."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cliphaze_cli.batch.discover import Found, find_images
from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.refusals import (
    refuse_blocked_outputs,
    refuse_existing,
    refuse_outputs_that_are_inputs,
    refuse_shared_outputs,
)
from cliphaze_cli.errors import UsageError
from cliphaze_cli.imaging.formats import (
    FORMATS_SHOWN,
    OTHER_EXTENSIONS,
    format_for_new,
    format_of_name,
    is_image_name,
    output_extension,
)
from cliphaze_cli.imaging.part_file import remove_leftovers

ExtraOutputs = Callable[[Path], Iterable[Path]]  # from an output's path without extension to further files


@dataclass(frozen=True)
class Plan:
    """What to do. `skipped` jobs have their output already; `ignored` counts files that are no images."""

    jobs: tuple[Job, ...]
    skipped: tuple[Job, ...] = ()
    ignored: int = 0
    unreadable: tuple[tuple[Path, str], ...] = ()  # sub-folders that could not be listed, and why

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
    input: Path,
    output: Path,
    *,
    recursive: bool = False,
    suffix: str = "",
    format: str | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    extra_outputs: ExtraOutputs | None = None,
) -> Plan:
    """Plan the work from a file or folder `input` to `output`.

    Args:
        output: a folder, made later if it is missing; or a file, if `input` is a file and `output` ends in an image's
            extension without being a folder.
        recursive: enter sub-folders and mirror them.
        suffix: appended to the names of outputs, before the extension.
        format: a Pillow format name for all outputs, "PNG"; None keeps each source's format where it can be written.
        overwrite: replace outputs that exist. skip_existing: leave out jobs whose target exists (whatever of their
            extras does). Neither: an existing output is an error.
        extra_outputs: gives the further files of each job, from the target without its extension.

    Raises:
        UsageError: contradictory options, nothing to do, an output that exists, that two inputs share, or that is
            itself an input.
    """
    if any(character in suffix for character in "/\\\0"):
        raise UsageError(f"--suffix is a part of a file name and cannot contain a path separator: {suffix!r}")

    _refuse_unwritable_kind(output)
    if input.is_dir():
        found, pairs = _folder_pairs(input, output, recursive, suffix, format)
    else:
        found, pairs = None, [_file_pair(input, output, suffix, format)]
    work = plan_pairs(pairs, overwrite=overwrite, skip_existing=skip_existing, extra_outputs=extra_outputs)
    return work if found is None else replace(work, ignored=found.ignored, unreadable=found.unreadable)


def plan_pairs(
    pairs: Iterable[tuple[Path, Path]],
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    extra_outputs: ExtraOutputs | None = None,
) -> Plan:
    """Plan the work from each source to its target; options and refusals as in `plan`."""
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other: give one of them")
    jobs = [_job(source, target, extra_outputs) for source, target in pairs]
    refuse_shared_outputs(jobs)
    refuse_outputs_that_are_inputs(jobs)
    refuse_blocked_outputs(jobs)
    skipped: list[Job] = []
    if skip_existing:
        skipped = [job for job in jobs if os.path.lexists(job.target)]
        jobs = [job for job in jobs if not os.path.lexists(job.target)]
    elif not overwrite:
        refuse_existing(jobs)
    return Plan(jobs=tuple(jobs), skipped=tuple(skipped))


def _refuse_unwritable_kind(output: Path) -> None:
    """What was meant as a file must not quietly become a folder of that name."""
    if output.is_dir():
        return
    if str(output) == "-":
        raise UsageError("OUTPUT cannot be standard output (-): name a file or a folder")
    if output.suffix.lower() in OTHER_EXTENSIONS:
        raise UsageError(f"OUTPUT {output.name}: {output.suffix} cannot be written, only {FORMATS_SHOWN}")


def _folder_pairs(
    folder: Path, output: Path, recursive: bool, suffix: str, format: str | None
) -> tuple[Found, list[tuple[Path, Path]]]:
    if output.exists() and not output.is_dir():
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too, but {output} is a file")
    if _names_an_image(output):
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too; {output} looks like a file")
    in_place = _same_folder(folder, output)
    try:
        found = find_images(folder, recursive=recursive, exclude=None if in_place else output)
    except OSError as error:
        raise UsageError(f"cannot list the folder {folder}: {error.strerror}") from error
    pairs = [(folder / path, output / path.parent / _name(path, suffix, format)) for path in found.images]
    if in_place and suffix:
        # Outputs of an earlier run lie among the inputs here: a photo is no input if it is the output of another.
        earlier = {target for _, target in pairs}
        pairs = [(source, target) for source, target in pairs if output / source.relative_to(folder) not in earlier]
    if not pairs:
        raise UsageError(_nothing_in(folder, found, recursive))
    return found, pairs


def _file_pair(file: Path, output: Path, suffix: str, format: str | None) -> tuple[Path, Path]:
    if not file.exists():
        raise UsageError(f"INPUT does not exist: {file}")
    if not file.is_file():
        raise UsageError(f"INPUT is neither a file nor a folder: {file}")
    if output.exists() and not output.is_dir() and not _names_an_image(output):
        raise UsageError(f"OUTPUT {output} is a file without the extension of an image: name an image or a folder")
    if output.is_dir() or not _names_an_image(output):
        return file, output / _name(file, suffix, format)
    if suffix:
        raise UsageError(f"--suffix is for an OUTPUT folder; here OUTPUT names the file itself: {output}")
    of_extension = format_of_name(output)
    if format is not None and format != of_extension:
        raise UsageError(f"OUTPUT {output.name} is {of_extension} by its extension, but --format asks for {format}")
    return file, output


def _names_an_image(output: Path) -> bool:
    return is_image_name(output) and not output.is_dir()


def _name(source: Path, suffix: str, format: str | None) -> str:
    own = format_of_name(source)
    if own is not None and format in (None, own):
        return f"{source.stem}{suffix}{source.suffix}"
    return f"{source.stem}{suffix}{output_extension(format or format_for_new(source))}"


def _job(source: Path, target: Path, extra_outputs: ExtraOutputs | None) -> Job:
    job = Job(source, target)
    return job if extra_outputs is None else Job(source, target, tuple(extra_outputs(job.stem)))


def _same_folder(first: Path, second: Path) -> bool:
    return second.exists() and first.samefile(second)


def _nothing_in(folder: Path, found: Found, recursive: bool) -> str:
    others = f" ({found.ignored} other file{'s' if found.ignored > 1 else ''})" if found.ignored else ""
    hint = "; give --recursive to look into its sub-folders" if found.subfolders and not recursive else ""
    return f"no images in {folder}{others}{hint}"
