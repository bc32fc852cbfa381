"""Kinds of files that lie among photos and are not read: told by name, so that nobody wonders where they went."""

from collections.abc import Mapping
from pathlib import PurePath

from cliphaze_cli.imaging import film_names
from cliphaze_cli.imaging.formats import RAW_EXTENSIONS, is_image_name

_EXTENSIONS = {
    "GIF": ".gif",
    "video": " ".join(sorted(film_names.READ_EXTENSIONS)),
    "Photoshop": ".psb .psd",
    "document": ".ai .djvu .eps .pdf .svg",
    "other image": (
        ".cur .dcm .dds .exr .fit .fits .hdp .hdr .icns .ico .jxr .pbm .pcx .pgm .pnm .ppm .qoi .ras .sgi .tga .wdp "
        ".xbm .xcf .xpm"
    ),
}
_KINDS = {extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()}
_ADVICE = {
    "camera raw": 'install rawpy (pip install "cliphaze[raw]"), or develop it to TIFF or JPEG first',
    "video": 'install PyAV (pip install "cliphaze[video]"), or save its frames as images first',
}


def kind_of_name(path: PurePath, *, films: bool = False) -> str | None:
    """The kind of picture, video or document that a name's extension stands for, if that is none that is read. films:
    whether those are, where that is possible here."""
    if is_image_name(path) or (films and film_names.is_film_name(path)):
        return None
    extension = path.suffix.lower()
    return "camera raw" if extension in RAW_EXTENSIONS else _KINDS.get(extension)


def what_it_is(kind: str) -> str:
    """A kind with what to do about it, to follow a file's name."""
    article = "an" if kind[0] in "aeio" else "a"
    noun = kind if kind in ("video", "document", "other image") else f"{kind} file"
    advice = _ADVICE.get(kind, "save it as PNG, TIFF or JPEG first")
    if kind == "video" and film_names.films_are_read():
        advice = "`cliphaze dehaze` takes it; here save its frames as images first"
    return f"is {article} {noun}, which is not read: {advice}"


def listed(kinds: Mapping[str, int]) -> str:
    """Kinds with their numbers for one line, the most frequent first: "3 video, 1 GIF"."""
    return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items(), key=lambda each: (-each[1], each[0])))
