"""Camera raw files are developed where rawpy is installed."""

import io
import struct
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from cliphaze_cli.imaging import formats
from cliphaze_cli.imaging.files import read, write
from cliphaze_cli.imaging.readers import raw, raw_extent
from cliphaze_cli.system.errors import ImageError, NeedsMemoryError

rawpy = pytest.importorskip("rawpy")


def dng(path: Path, height: int = 64, width: int = 96, *, compressed: bool = False) -> Path:
    """A raw file of a camera with a Bayer pattern, red to the right and brighter below."""
    y, x = np.mgrid[:height, :width]
    samples = (2000 + 300 * y + np.where((y % 2 == 0) & (x % 2 == 0), 300 * x, 0)).astype(np.uint16)
    identity = tuple(value for row in np.eye(3, dtype=int) for one in row for value in (int(one), 1))
    tags = [
        *((271, "s", 0, "Camera", True), (272, "s", 0, "Model", True), (50706, "B", 4, (1, 4, 0, 0), True)),
        *((50708, "s", 0, "Camera Model", True), (33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)),
        *((50721, "2i", 9, identity, True), (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True)),
        *((50778, "H", 1, 21, True), (50717, "I", 1, 65535, True)),
    ]
    form: dict[str, Any] = {"photometric": "cfa", "metadata": None, "extratags": tags}
    if compressed:
        tiles = [samples[:, at : at + 48].copy() for at in range(0, width, 48)]
        packed = iter([bytes(imagecodecs.ljpeg_encode(tile, bitspersample=16)) for tile in tiles])
        form |= {"shape": samples.shape, "dtype": samples.dtype, "compression": 7, "tile": (height, 48)}
        tifffile.imwrite(path, packed, **form)
    else:
        tifffile.imwrite(path, samples, **form)
    return path


def test_a_raw_file_becomes_a_sixteen_bit_tiff(tmp_path):
    result = read(dng(tmp_path / "in.dng"))
    assert result.pixels.shape == (64, 96, 3)
    assert result.pixels.dtype == np.uint16
    assert result.pixels[40:, :, 1].mean() > result.pixels[:20, :, 1].mean() + 2000
    assert result.pixels[:, 80:, 0].mean() > result.pixels[:, :16, 0].mean() + 2000
    assert "developed to 16 bits" in result.notices[0]
    write(result, tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages[0].tags[271].value == "Camera"
        assert 50706 not in file.pages[0].tags


def test_names():
    assert formats.is_image_name(Path("a.NEF"))
    assert formats.format_for_new(Path("a.cr3")) == "TIFF"
    assert formats.format_for_new(Path("a.jxl")) == "PNG"


def test_without_rawpy_the_refusal_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ImageError, match="camera raw file; install rawpy"):
        read(dng(tmp_path / "in.dng"))


@pytest.mark.parametrize("head", [b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"])
def test_raw_files_of_other_makers_are_known_by_content(tmp_path, head):
    assert raw.is_raw(head)
    (tmp_path / "in.raf").write_bytes(head + bytes(500))
    with pytest.raises(ImageError, match="camera raw"):
        read(tmp_path / "in.raf")


def test_too_large_ones_are_refused_before_they_are_developed(tmp_path):
    with pytest.raises(ImageError, match="megapixels"):
        read(dng(tmp_path / "in.dng"), max_pixels=64 * 96 - 1)
    with pytest.raises(NeedsMemoryError):
        read(dng(tmp_path / "in.dng"), max_bytes=32 * 64 * 96 - 1)


def test_a_compressed_raw_file(tmp_path):
    plain, packed = read(dng(tmp_path / "a.dng")), read(dng(tmp_path / "b.dng", compressed=True))
    np.testing.assert_array_equal(packed.pixels, plain.pixels)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.995])
def test_truncated_files(tmp_path, part, compressed):
    data = dng(tmp_path / "in.dng", compressed=compressed).read_bytes()
    (tmp_path / "in.dng").write_bytes(data[: int(part * len(data))])
    with pytest.raises(ImageError, match="cannot read"):
        read(tmp_path / "in.dng")


@pytest.mark.parametrize("tile", [0, 1])
def test_files_that_end_between_tiles(tmp_path, tile):
    # LibRaw takes whatever lies in memory for such tiles.
    data = dng(tmp_path / "in.dng", compressed=True).read_bytes()
    with tifffile.TiffFile(tmp_path / "in.dng") as file:
        start = file.pages[0].dataoffsets[tile]
    (tmp_path / "in.dng").write_bytes(data[:start])
    with pytest.raises(ImageError, match=f"at least {len(data) - start:,} bytes are missing; copy it again"):
        read(tmp_path / "in.dng")


def panasonic() -> bytes:
    """The directory alone, whose strip's own place means nothing, and whose length is not exact."""
    entries = struct.pack("<HHIIHHIIHHII", 273, 4, 1, 0xFFFFFFFF, 279, 4, 1, 1600, 280, 4, 1, 200)
    return b"IIU\0" + struct.pack("<IH", 8, 3) + entries + bytes(4)


def below() -> bytes:
    """Two tiles of a directory below the first one, of a big-endian file."""
    first = struct.pack(">HHHIII", 1, 330, 4, 1, 26, 0)
    tables = struct.pack(">4I", 100, 200, 50, 800)
    second = struct.pack(">HHHIIHHIII", 2, 324, 4, 2, 56, 325, 4, 2, 64, 0)
    return b"MM\0*" + struct.pack(">I", 8) + first + second + tables


def box(kind: bytes, length: int) -> bytes:
    return struct.pack(">I4s", length, kind)


@pytest.mark.parametrize(
    "head",
    [
        panasonic(),
        below(),
        b"FUJIFILMCCD-RAW".ljust(100, b"\0") + struct.pack(">II", 400, 600),
        box(b"ftyp", 16) + b"crx \0\0\0\0" + box(b"mdat", 984),
        box(b"ftyp", 16) + b"crx \0\0\0\0" + struct.pack(">I4sQ", 1, b"mdat", 984),
    ],
)
def test_how_much_is_missing(head):
    assert raw_extent.missing_bytes(io.BytesIO(head.ljust(1000, b"\0"))) == 0
    assert raw_extent.missing_bytes(io.BytesIO(head.ljust(993, b"\0"))) == 7


@pytest.mark.parametrize(
    "data",
    [
        b"IIU\0",
        b"II*\0\x08\0\0\0",
        b"II*\0" + struct.pack("<IH", 8, 1) + bytes(12) + struct.pack("<I", 8),  # its next directory is itself
        box(b"ftyp", 16) + b"crx \0\0\0\0" + box(b"mdat", 0),
        b"\0MRM",
    ],
)
def test_what_says_nothing_of_its_extent_misses_nothing(data):
    assert raw_extent.missing_bytes(io.BytesIO(data)) == 0
