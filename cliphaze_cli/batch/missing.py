"""Why an input may be missing, from what lies where it should be."""

import unicodedata
from pathlib import Path, PurePath

from cliphaze_cli.places.look import Look
from cliphaze_cli.places.remote import Place


def why_missing(file: Place, output: Place | None, look: Look) -> str:
    """Returns " (what may be wrong)", or nothing where that cannot be told."""
    name = str(file)
    if any(character in name for character in "*?"):
        return " (nothing matches this pattern)"
    if any(quote in name for quote in "\"'"):
        return " (with the quotes: were they meant for the shell?)"
    if isinstance(file, Path) and (near := _near(file)):
        return near
    if output is not None and look.exists(output):
        return f" (the output comes last, and {output} exists: are they in the wrong order?)"
    return ""


def _near(file: Path) -> str:
    """What is there: a link of this name, or one that differs by case, blanks, form of Unicode, end or more words."""
    try:
        if file.is_symlink():
            return f" (it is a link to {file.readlink()}, which is not there)"
        names = sorted(path.name for path in file.parent.iterdir())
    except OSError:
        return ""
    key = _key(file.name)
    for name in names:
        if _key(name) == key:
            return f" (there is {name!r})"
    for name in names:
        if name.startswith(f"{file.name} "):
            return f" (there is {name!r}: a name with blanks needs quotes)"
    stems = [name for name in names if PurePath(name).suffix and _key(PurePath(name).stem) == _key(file.stem)]
    return f" (there is {stems[0]!r})" if stems else ""


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()
