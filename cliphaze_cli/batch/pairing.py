"""Which output belongs to which input, by their names and by what is there."""

from collections.abc import Iterator
from pathlib import Path, PurePath

from cliphaze_cli.batch.discover import Counts, Found, find_images, find_remote_images
from cliphaze_cli.batch.missing import why_missing
from cliphaze_cli.batch.naming import MapNames, PhotoNames
from cliphaze_cli.imaging import film_names
from cliphaze_cli.imaging.formats import FORMATS_SHOWN, format_of_name, is_image_name, meant_extension
from cliphaze_cli.imaging.other_kinds import kind_of_name, listed, what_it_is
from cliphaze_cli.places.look import Look, refuse_missing_bucket
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.system.errors import UsageError

Names = PhotoNames | MapNames


def refuse_unwritable_kind(output: Place, names: Names, look: Look) -> None:
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
    meant = meant_extension(name)
    if meant is not None and not look.exists(output):
        raise UsageError(
            f"OUTPUT {output.name}: no format has the ending {name.suffix} (was {meant} meant?); "
            "if it is to be a folder, make it first"
        )


def found_in(folder: Place, output: Place | None, recursive: bool, names: Names, look: Look) -> Iterator[Found]:
    """What a folder holds that may become something in `output`, part by part. Raises UsageError where that is no
    folder."""
    if output is not None and look.exists(output) and not look.is_folder(output):
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too, but {output} is a file")
    if output is not None and _names_a_file(output, look):
        raise UsageError(f"{folder} is a folder, so OUTPUT must be one too; {output} looks like a file")
    exclude = None if output is None or _same_folder(folder, output) else output
    if isinstance(folder, Remote):
        inside = exclude if isinstance(exclude, Remote) and exclude.is_in(folder) else None
        yield from find_remote_images(folder, recursive=recursive, exclude=inside, films=names.films)
        return
    try:
        inside_here = exclude if isinstance(exclude, Path) else None
        yield from find_images(folder, recursive=recursive, exclude=inside_here, films=names.films)
    except OSError as error:
        raise UsageError(f"cannot list the folder {folder}: {error.strerror}") from error


def is_in_place(folder: Place, output: Place | None, names: Names) -> bool:
    """Whether outputs of an earlier run lie among the photos of a folder."""
    return isinstance(names, PhotoNames) and bool(names.suffix) and _same_folder(folder, output or folder)


def file_pair(file: Place, output: Place | None, names: Names, look: Look, *, alone: bool) -> tuple[Place, Place]:
    """Source and target of a photo given by name; alone: it is the only input. Raises UsageError."""
    if not look.exists(file):
        raise UsageError(f"INPUT does not exist: {file}{why_missing(file, output, look)}")
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


def _names_a_file(output: Place, look: Look) -> bool:
    name = PurePath(output.name)
    named = format_of_name(name) is not None or film_names.container_of_name(name) is not None
    return named and not look.is_folder(output)


def _same_folder(first: Place, second: Place) -> bool:
    if isinstance(first, Path) and isinstance(second, Path):
        return second.exists() and first.samefile(second)
    return first == second


def nothing_in(folder: Place, found: Counts, recursive: bool) -> str:
    """Why there is nothing to do in a folder."""
    others = f" ({found.ignored} other file{'s' if found.ignored > 1 else ''})" if found.ignored else ""
    others = f" ({listed(found.left_out)}: not read)" if found.left_out else others
    hint = "; give --recursive to look into its sub-folders" if found.subfolders and not recursive else ""
    return f"no images in {folder}{others}{hint}"
