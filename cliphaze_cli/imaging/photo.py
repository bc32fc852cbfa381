"""A photo in memory, with what has to survive processing."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cliphaze_cli.imaging.metadata.colour_label import ColourLabel
from cliphaze_cli.imaging.metadata.tiff_tags import Tag
from cliphaze_cli.system.file_status import FileStatus


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo, upright.

    pixels: (H, W, 3) uint8 or uint16, RGB, orientation already applied; grey is expanded to three equal channels.
    alpha: (H, W) of the same dtype, or None.
    grey: the source was grey; writing keeps one channel (the luma of `pixels`).
    exif: as to be saved, starting with b"Exif\\0\\0"; the orientation and the outdated thumbnail are removed.
    icc: the colour profile that `pixels` are in, or None (sRGB is then usual).
    format: Pillow's name of the source's format, a key of `formats.FORMATS`.
    notices: what was done differently from what people may expect, a short phrase each.
    dpi: print resolution (horizontal, vertical), where the file states one.
    half_chroma: the source is a JPEG that holds colour at half the resolution (4:2:0), as most cameras make them.
    xmp: a packet as to be saved, UTF-8, without what no longer holds.
    iptc: a block of IPTC-IIM texts.
    texts: (keyword, text) of PNG's texts; JPEG's comment has the keyword "Comment".
    colour: what the file says of its colours besides `icc`.
    tags: further tags of a TIFF file, the georeference among them.
    bands: (H, W, N) of the dtype of `pixels`, what a TIFF file holds that is neither colour nor alpha, untouched.
    lossless: the source is compressed without loss, in a format that knows both.
    quality: 0..100 of a lossy source, where the file tells.
    file: the source file's times and permissions.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None
    grey: bool
    exif: bytes | None
    icc: bytes | None
    format: str
    notices: tuple[str, ...] = ()
    dpi: tuple[float, float] | None = None
    half_chroma: bool = False
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    colour: ColourLabel | None = None
    tags: tuple[Tag, ...] = ()
    bands: NDArray[Any] | None = None
    lossless: bool = False
    quality: int | None = None
    file: FileStatus | None = None
