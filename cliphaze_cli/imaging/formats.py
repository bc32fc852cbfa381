"""The image formats that are read and written, and what each can hold. Pure data: imports nothing heavy."""

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Format:
    """What a file format can hold.

    name: Pillow's name; extensions: lower case with the dot, the first is used for new files.
    quality: default of the 0..100 scale, or None for a lossless format.
    max_side: longest side in pixels that the format, or its encoder, can hold.
    """

    name: str
    extensions: tuple[str, ...]
    alpha: bool = True
    grey: bool = True
    sixteen_bit: bool = False
    metadata: bool = True
    quality: int | None = None
    max_side: int = 2**31 - 1


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), alpha=False, quality=95, max_side=65_500),
        Format("PNG", (".png",), sixteen_bit=True, max_side=1_000_000),
        Format("TIFF", (".tif", ".tiff"), sixteen_bit=True),
        Format("WEBP", (".webp",), grey=False, quality=92, max_side=16_383),
        Format("BMP", (".bmp", ".dib"), alpha=False, metadata=False),
        Format("AVIF", (".avif",), quality=90, max_side=32_768),
        Format("HEIF", (".heic", ".heif", ".hif"), quality=90, max_side=16_384),
    )
}

EXTENSIONS: dict[str, str] = {extension: entry.name for entry in FORMATS.values() for extension in entry.extensions}
"""File name extension (lower case, with the dot) to format name."""

_SEVERAL_JPEGS = ".mpo"  # stereo cameras' files
READ_EXTENSIONS = frozenset((".jxl", ".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", _SEVERAL_JPEGS))
"""Of JPEG XL and JPEG 2000, which are read only: their photos are written as PNG; and of MPO, written as JPEG."""

RAW_EXTENSIONS = frozenset(
    (".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf",
     ".raw", ".rw2", ".sr2", ".srw", ".x3f")
)  # fmt: skip
"""Of camera raw files, which are read where rawpy is installed (the extra `raw`), and written as TIFF."""

FORMATS_SHOWN = "JPEG, PNG, TIFF, WebP, BMP, AVIF or HEIC"
"""For messages."""

READ_SHOWN = "JPEG, PNG, TIFF, WebP, BMP, AVIF, HEIC, JPEG XL or JPEG 2000"
"""For messages about what is read."""


def format_of_name(path: PurePath) -> str | None:
    """The format that a file's extension stands for, or None."""
    return EXTENSIONS.get(path.suffix.lower())


def is_image_name(path: PurePath) -> bool:
    """Whether the name looks like a photo this package reads. Names only; the content is not looked at."""
    extension = path.suffix.lower()
    if extension in RAW_EXTENSIONS:
        return raw_is_read()
    return extension in EXTENSIONS or extension in READ_EXTENSIONS


@functools.cache
def raw_is_read() -> bool:
    """Whether camera raw files are developed: whether rawpy is installed, which this does not import."""
    return importlib.util.find_spec("rawpy") is not None


def format_for_new(source: PurePath) -> str:
    """The format to write a photo in whose own is not written, or not told by its name: it loses nothing there."""
    extension = source.suffix.lower()
    return "TIFF" if extension in RAW_EXTENSIONS else "JPEG" if extension == _SEVERAL_JPEGS else "PNG"


def meant_extension(path: PurePath) -> str | None:
    """The extension of which the name's own is a typing error: two letters swapped, or one too many or missing."""
    typed = path.suffix.lower()
    if typed in EXTENSIONS:
        return None
    for known in EXTENSIONS:
        fewer, more = sorted((known, typed), key=len)
        one_more = len(more) == len(fewer) + 1 and any(
            more[:at] + more[at + 1 :] == fewer for at in range(1, len(more))
        )
        swapped = any(
            known[:at] + known[at + 1] + known[at] + known[at + 2 :] == typed for at in range(1, len(known) - 1)
        )
        if len(fewer) > 2 and (one_more or swapped):
            return known
    return None


def format_named(name: str) -> str | None:
    """The format that people mean by "jpg", ".JPEG", "webp", "heic" ..., or None."""
    plain = name.strip().lower().removeprefix(".")
    return plain.upper() if plain.upper() in FORMATS else EXTENSIONS.get(f".{plain}")


def output_extension(format: str) -> str:
    """The extension, with its dot, for new files of a format (by Pillow's name): "JPEG" -> ".jpg"."""
    return FORMATS[format].extensions[0]


def extension_of_content(head: bytes) -> str:
    """The extension, with its dot, that fits the first 16 bytes of a file; empty if they tell no format."""
    if head[4:8] == b"ftyp":
        return {b"avif": ".avif", b"avis": ".avif", b"crx ": ".cr3"}.get(head[8:12], ".heic")
    beginnings = {
        b"\0\0\0\x0cJXL ": ".jxl", b"\xff\x0a": ".jxl", b"\0\0\0\x0cjP  ": ".jp2", b"\xff\x4f\xff\x51": ".j2k",
        b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n": ".png", b"BM": ".bmp",
        b"II*\0": ".tif", b"MM\0*": ".tif", b"II+\0": ".tif", b"MM\0+": ".tif",
    }  # fmt: skip
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    return next((extension for beginning, extension in beginnings.items() if head.startswith(beginning)), "")
