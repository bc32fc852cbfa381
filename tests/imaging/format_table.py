"""What each format keeps, found out by writing a photo that carries everything and reading it again.

python -m tests.imaging.format_table

prints the table of docs/formats.md; a test holds the page to it.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.formats import FORMATS
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel
from cliphaze_cli.imaging.metadata.tiff_tags import Tag
from cliphaze_cli.imaging.photo import Photo
from tests.imaging.samples import exif_block, icc_profile, smooth, xmp_packet

_COLUMNS = (
    *("format", "bits", "alpha", "further bands", "ICC", "nclx, CICP", "EXIF", "XMP", "IPTC", "texts", "GeoTIFF"),
    "time of the file",
)
_TITLE = "<dc:title>fog</dc:title>"
# What is read and not written; `test_read_only_formats.py` holds it to that.
_READ_ONLY = (
    "| JPEG XL, read only | 8, 16, float | yes | no, said | no, said | yes | yes | yes | - | - | - | yes |",
    "| JPEG 2000, read only | 8, 16 | yes | refused | yes | - | yes | yes | yes | - | GeoJP2 | yes |",
)


def table() -> list[str]:
    """The lines of the table, in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(name, Path(folder)) for name in FORMATS]
    return [f"| {' | '.join(_COLUMNS)} |", "|" + "---|" * len(_COLUMNS), *rows, *_READ_ONLY]


def _photo(**fields: object) -> Photo:
    return dataclasses.replace(Photo(smooth(), None, False, None, None, "PNG"), **fields)  # type: ignore[arg-type]


def _row(name: str, folder: Path) -> str:
    alpha, deep = smooth()[..., 0], smooth().astype(np.uint16) * 257
    scale = Tag(33550, 12, 3, np.array([1.0, 1.0, 0.0]).tobytes())
    tried = {
        "bits": (_photo(pixels=deep), lambda photo: photo.pixels.dtype == np.uint16),
        "alpha": (_photo(alpha=alpha), lambda photo: photo.alpha is not None),
        "bands": (_photo(bands=smooth()[..., :2]), lambda photo: photo.bands is not None),
        "icc": (_photo(icc=icc_profile()), lambda photo: photo.icc == icc_profile()),
        "cicp": (_photo(colour=ColourLabel(cicp=(9, 16))), lambda photo: photo.colour == ColourLabel(cicp=(9, 16))),
        "exif": (_photo(exif=exif_block()), lambda photo: photo.exif is not None),
        "xmp": (_photo(xmp=xmp_packet(_TITLE)), lambda photo: _TITLE.encode() in (photo.xmp or b"")),
        "iptc": (_photo(iptc=b"\x1c\x02\x78\x00\x01a"), lambda photo: photo.iptc is not None),
        "texts": (_photo(texts=(("Title", "fog"),)), lambda photo: photo.texts == (("Title", "fog"),)),
        "geo": (_photo(tags=(scale,)), lambda photo: photo.tags == (scale,)),
    }
    cells = []
    for what, (photo, survived) in tried.items():
        path = folder / f"{what}{FORMATS[name].extensions[0]}"
        notices = write(photo, path)
        kept = survived(read(path))
        if what == "bits":
            cells.append("8, 16" if kept else "8")
        else:
            cells.append("yes" if kept else "no, said" if notices else "no, UNSAID")
    shown = "HEIC" if name == "HEIF" else name.replace("WEBP", "WebP")
    comment = "comment only" if name == "JPEG" else None
    profile = "as ICC; PQ, HLG: no, said" if cells[4] == "no, said" and name != "BMP" else None
    cells[4], cells[8] = profile or cells[4], comment or cells[8]
    return f"| {shown} | {' | '.join(cells)} | yes |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
