"""TIFF with 16-bit or floating point samples, which Pillow would cut to 8 bits or not open at all."""

import io
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging import exif, icc
from cliphaze_cli.imaging.bitdepth import row_bands
from cliphaze_cli.imaging.orientation import upright
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.tiff_layout import directory, entry

_DNG_VERSION, _PROFILE, _SUB_IFDS = 50706, 34675, 330
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_INTEGER, _FLOAT = 1, 3
# LZW, PackBits, Zstandard: they pack bytes, whatever these mean.
_BYTEWISE_COMPRESSIONS = {5, 32773, 50000}


def first_page(stream: BinaryIO) -> Any:
    """The first page (a tifffile.TiffPage), or None if the file's structure is beyond tifffile."""
    import tifffile

    stream.seek(0)
    try:
        return tifffile.TiffFile(stream).pages[0]
    except (tifffile.TiffFileError, ValueError, TypeError, KeyError, IndexError, OSError, struct.error):
        return None


def is_camera_raw(page: Any) -> bool:
    """Whether it is a DNG or another raw file built on TIFF, whose first page is only a preview."""
    return _DNG_VERSION in page.tags or (_SUB_IFDS in page.tags and bool(page.is_reduced))


def is_deep(page: Any) -> bool:
    """Whether the page needs this module: grey or RGB with 16-bit integer or with floating point samples."""
    kinds = {(_INTEGER, 16), (_FLOAT, 16), (_FLOAT, 32), (_FLOAT, 64)}
    return (
        page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
        and (page.sampleformat, page.bitspersample) in kinds
        and page.dtype is not None
    )


def decode(page: Any, stream: BinaryIO) -> Photo:
    """A page for which `is_deep` holds. Raises ImageError if it is of a kind that is not supported, or else
    whatever tifffile and Pillow raise on damaged data."""
    notices: list[str] = []
    samples = _channels_last(page, stream)
    if samples.dtype.kind == "f":
        samples = _from_float(samples)
        notices.append(f"{page.bitspersample}-bit floating point converted to 16 bits")
    pages = _page_count(page)
    if pages > 1:
        notices.append(f"first of {pages} pages used")
    grey = page.photometric != _RGB
    colours = 1 if grey else 3
    extra = page.extrasamples[0] if page.extrasamples else 0
    if samples.shape[2] < colours:
        raise ValueError(f"the file says RGB and has {samples.shape[2]} channels")
    colour, alpha = samples[..., :colours], None
    if samples.shape[2] > colours and extra in (_PREMULTIPLIED, _STRAIGHT):
        alpha = samples[..., colours]
    elif samples.shape[2] > colours:
        notices.append("channels that are neither colour nor alpha dropped")
    if page.photometric == _WHITE_IS_ZERO:
        colour = 65535 - colour
    if alpha is not None and extra == _PREMULTIPLIED:
        colour = _unmultiplied(colour, alpha)
    orientation = exif.valid_orientation(_tag(page, exif.ORIENTATION))
    block = None
    try:
        block = exif.from_tiff(stream)
    except Exception:  # noqa: BLE001 - damaged tags make Pillow raise nearly anything, and must not cost the photo
        notices.append("damaged EXIF dropped")
    profile, notice = icc.checked(_tag(page, _PROFILE), grey=grey)
    notices += [notice] if notice else []
    colour = upright(colour, orientation)
    return Photo(
        pixels=np.repeat(colour, 3, axis=2) if grey else np.ascontiguousarray(colour),
        alpha=None if alpha is None else np.ascontiguousarray(upright(alpha, orientation)),
        grey=grey,
        exif=block,
        icc=profile,
        format="TIFF",
        notices=tuple(notices),
        dpi=_dpi(page),
    )


def _channels_last(page: Any, stream: BinaryIO) -> NDArray[Any]:
    """The samples as (H, W, C), in native byte order."""
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    if any(at + length > size for at, length in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise ValueError("the file is cut off")
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    if page.compression in _BYTEWISE_COMPRESSIONS:
        return _through_libtiff(page, stream, shape)
    try:
        samples = page.asarray(maxworkers=1)
    except (KeyError, ValueError, ImportError) as error:
        if "imagecodecs" not in str(error):
            raise
        raise ImageError("its TIFF compression is not supported; save it uncompressed or with ZIP") from error
    if page.planarconfig == 2 and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, -1)
    return np.asarray(samples.reshape(shape), samples.dtype.newbyteorder("="))


def _through_libtiff(page: Any, stream: BinaryIO, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Unpacks what tifffile needs another package for, by Pillow's libtiff: it is shown the rows as 8-bit grey bytes.

    A second directory appended to the file in memory describes them so; the strips or tiles stay where they are.
    """
    from PIL import Image

    if page.planarconfig == 2 or page.predictor == 3 or page.parent.is_bigtiff:
        raise ImageError("this layout of a compressed TIFF is not supported; save it uncompressed or with ZIP")
    height, width, channels = shape
    size = page.bitspersample // 8
    stream.seek(0)
    data = bytearray(stream.read())
    order, _, entries = exif.split_directory(bytes(data))
    kept = [one for one in entries if exif.entry_tag(order, one) in (259, 266, 273, 278, 279, 323, 324, 325)]
    kept += [entry(order, tag, value) for tag, value in ((256, width * channels * size), (257, height), (258, 8))]
    kept += [entry(order, tag, 1) for tag in (262, 277, 284)]
    if page.is_tiled:
        kept.append(entry(order, 322, page.tilewidth * channels * size))
    data += b"\x00" * (len(data) % 2)
    struct.pack_into(order + "I", data, 4, len(data))
    data += directory(order, kept)
    with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
        del data
        rows = np.asarray(image)
    kind = "f" if page.sampleformat == _FLOAT else "u"
    samples = rows.view(np.dtype(f"{order}{kind}{size}")).reshape(shape).astype(f"={kind}{size}")
    if page.predictor == 2:
        step = page.tilewidth if page.is_tiled else width
        for left in range(0, width, step):
            part = samples[:, left : left + step]
            np.cumsum(part, axis=1, dtype=part.dtype, out=part)
    return samples


def _from_float(samples: NDArray[Any]) -> NDArray[np.uint16]:
    lowest, highest = float(samples.min()), float(samples.max())
    if not (lowest >= 0 and highest <= 1):  # so written that NaN is refused as well
        raise ImageError(
            f"it holds floating point values from {lowest:.4g} to {highest:.4g}; scale them to 0..1 or save as 16 bits"
        )
    result = np.empty(samples.shape, np.uint16)
    for rows in row_bands(len(samples), samples[:1].size):
        result[rows] = np.rint(samples[rows].astype(np.float64) * 65535)
    return result


def _unmultiplied(colour: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> NDArray[np.uint16]:
    result = np.empty(colour.shape, np.uint16)
    for rows in row_bands(len(colour), colour[:1].size):
        divisor = np.maximum(alpha[rows], 1)[..., None]
        result[rows] = np.minimum(colour[rows] * np.float64(65535) / divisor + 0.5, 65535)
    return result


def _tag(page: Any, number: int) -> Any:
    try:
        return page.tags[number].value
    except (KeyError, ValueError, OSError, struct.error):  # absent or damaged
        return None


def _dpi(page: Any) -> tuple[float, float] | None:
    try:
        across, down = page.get_resolution("INCH")
    except (ValueError, TypeError, KeyError, ZeroDivisionError):
        return None
    stated = 282 in page.tags and 283 in page.tags and across >= 2 and down >= 2  # 1: an aspect ratio
    return (float(across), float(down)) if stated else None


def _page_count(page: Any) -> int:
    try:
        return len(page.parent.pages)
    except (ValueError, OSError, KeyError, IndexError, struct.error):  # a damaged chain; the first page may be whole
        return 1
