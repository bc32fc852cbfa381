"""The image formats that are read and written, and what each can hold. Pure data: imports nothing heavy."""

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Format:
    """What a file format can hold.

    name: Pillow's name; extensions: lower case with the dot, the first is used for new files.
    quality: default of the 0..100 scale, or None for a lossless format.
    max_side: longest side in pixels that the format can describe.
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
        Format("PNG", (".png",), sixteen_bit=True),
        Format("TIFF", (".tif", ".tiff"), sixteen_bit=True),
        Format("WEBP", (".webp",), grey=False, quality=92, max_side=16_383),
        Format("BMP", (".bmp", ".dib"), alpha=False, metadata=False),
        Format("AVIF", (".avif",), quality=90, max_side=32_768),
        Format("HEIF", (".heic", ".heif", ".hif"), quality=90, max_side=16_384),
    )
}

EXTENSIONS: dict[str, str] = {extension: entry.name for entry in FORMATS.values() for extension in entry.extensions}
"""File name extension (lower case, with the dot) to format name."""

FORMATS_SHOWN = "JPEG, PNG, TIFF, WebP, BMP, AVIF or HEIC"
"""For messages."""


def format_of_name(path: PurePath) -> str | None:
    """The format that a file's extension stands for, or None."""
    return EXTENSIONS.get(path.suffix.lower())


def is_image_name(path: PurePath) -> bool:
    """Whether the name looks like a photo this package reads. Names only; the content is not looked at."""
    return format_of_name(path) is not None


def format_named(name: str) -> str | None:
    """The format that people mean by "jpg", ".JPEG", "webp", "heic" ..., or None."""
    plain = name.strip().lower().removeprefix(".")
    return plain.upper() if plain.upper() in FORMATS else EXTENSIONS.get(f".{plain}")


def output_extension(format: str) -> str:
    """The extension, with its dot, for new files of a format (by Pillow's name): "JPEG" -> ".jpg"."""
    return FORMATS[format].extensions[0]


def extension_of_content(head: bytes) -> str:
    """The extension, with its dot, that fits the first 16 bytes of a file; empty if they begin none of `FORMATS`."""
    if head[4:8] == b"ftyp":
        return ".avif" if head[8:12] in (b"avif", b"avis") else ".heic"
    beginnings = {
        b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n": ".png", b"BM": ".bmp",
        b"II*\0": ".tif", b"MM\0*": ".tif", b"II+\0": ".tif", b"MM\0+": ".tif",
    }  # fmt: skip
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    return next((extension for beginning, extension in beginnings.items() if head.startswith(beginning)), "")
