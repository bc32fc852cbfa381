"""Names of uploaded photos: never a path on this machine, and never a path of this machine in a message."""

from pathlib import Path, PurePath

from cliphaze_cli.batch.naming import PhotoNames
from cliphaze_cli.imaging.formats import EXTENSIONS, RAW_EXTENSIONS, READ_EXTENSIONS
from cliphaze_cli.imaging.other_kinds import kind_of_name, what_it_is
from cliphaze_cli.system.atomic_file import shown

_LONGEST = 120  # characters
_SUFFIX = "-dehazed"


def plain(name: str) -> str:
    """The name that a browser told, without folders and unprintable characters; never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable()).strip()
    path = PurePath(printable)
    if len(printable) > _LONGEST:
        printable = path.stem[: max(1, _LONGEST - len(path.suffix))] + path.suffix[-_LONGEST:]
    return printable if printable not in ("", ".", "..") else "photo"


def on_disk(name: str) -> str:
    """What the upload is called here. Only its ending is kept, which decides the format of the output."""
    extension = PurePath(name).suffix
    known = extension.lower() in EXTENSIONS or extension.lower() in READ_EXTENSIONS | RAW_EXTENSIONS
    return f"photo{extension if known else ''}"


def of_download(name: str) -> str:
    """What the dehazed photo is called: it has the ending that `cliphaze dehaze` gives it."""
    return PhotoNames(_SUFFIX).name(Path(name))


def refusal(name: str) -> str | None:
    """Why a file is not even read, for its name."""
    kind = kind_of_name(PurePath(name))
    return None if kind is None else f"{name} {what_it_is(kind)}"


def told(reason: str, source: Path, name: str) -> str:
    """A failure's reason with the photo's own name in place of this machine's paths."""
    text = reason.replace(shown(source), name).replace(f"{shown(source.parent)}", "the server's folder")
    return text if name in text else f"{name}: {text}"
