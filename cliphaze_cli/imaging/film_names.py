"""Films, told by their names. Pure data: imports nothing heavy."""

import functools
import importlib.util
from pathlib import PurePath

READ_EXTENSIONS = frozenset(
    [
        ".3gp",
        ".avi",
        ".flv",
        ".insv",
        ".lrv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".webm",
        ".wmv",
    ]
)
"""Of films, which are read where PyAV is installed (the extra `video`)."""

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""File name extension of what is written to FFmpeg's name of the container."""

CONTAINERS_SHOWN = ".mp4, .m4v, .mov, .mkv or .webm"
"""For messages."""

_HELD_BY_MP4 = (".3gp", ".insv", ".lrv", ".m2ts", ".mpeg", ".mpg", ".mts")  # sound of others may need Matroska


@functools.cache
def films_are_read() -> bool:
    """Whether PyAV is installed, which this does not import."""
    return importlib.util.find_spec("av") is not None


def names_a_film(path: PurePath) -> bool:
    """Whether the name looks like a film, read or not."""
    return path.suffix.lower() in READ_EXTENSIONS


def is_film_name(path: PurePath) -> bool:
    """Whether the name looks like a film that is read here. The content is not looked at."""
    return names_a_film(path) and films_are_read()


def container_of_name(path: PurePath) -> str | None:
    """The container that a file's extension stands for, or None where it is not written."""
    return CONTAINERS.get(path.suffix.lower())


def output_extension(source: PurePath) -> str:
    """The extension, with its dot, of what is made of a film: its own where that is written."""
    if container_of_name(source) is not None:
        return source.suffix
    return ".mp4" if source.suffix.lower() in _HELD_BY_MP4 else ".mkv"
