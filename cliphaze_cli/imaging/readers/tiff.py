"""TIFF with samples of any depth, layout and compression, by tifffile and imagecodecs: all grey and RGB ones.

Palettes, CMYK, Lab, YCbCr and fax are Pillow's (`pillow.py`).
"""

import io
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging import sample_depth
from cliphaze_cli.imaging.metadata import icc, tiff_tags
from cliphaze_cli.imaging.metadata.carried import carried
from cliphaze_cli.imaging.orientation import upright
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.readers.assembly import photo_of, scaled
from cliphaze_cli.system.errors import ImageError

_DNG_VERSION, _PROFILE, _SUB_IFDS, _ORIENTATION = 50706, 34675, 330, 274
_PHOTOMETRIC = 262  # the tag
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR, _JPEG = 0, 1, 2, 6, 7
_PREMULTIPLIED, _STRAIGHT = 1, 2
_FAX = (2, 3, 4, 32771)
_REDUCED, _MASK = 1, 4
_PAGES_LOOKED_AT = 64
_UNSUPPORTED = ("imagecodecs", "not supported", "not implemented", "cannot decode")


@dataclass(frozen=True)
class _Channels:
    """colour: (H, W, 1 or 3); alpha: (H, W) or None, straight; bands: (H, W, N) or None, what is neither."""

    colour: NDArray[Any]
    alpha: NDArray[Any] | None
    bands: NDArray[Any] | None


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


def is_ours(page: Any) -> bool:
    """Whether this module reads the page: grey or RGB, but not the plain packed greys that Pillow knows better."""
    deep_jpeg = page.photometric == _YCBCR and page.compression == _JPEG and page.bitspersample > 8
    packed_grey = page.bitspersample < 8 and page.photometric != _RGB and page.samplesperpixel == 1
    return (
        (page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) or deep_jpeg)
        and page.compression not in _FAX
        and page.dtype is not None
        and not packed_grey
    )


def is_pillows(page: Any) -> bool:
    """Whether Pillow may try what this module cannot read: it knows 8 bits, and would cut others to them."""
    return bool(
        page.bitspersample <= 8 and page.sampleformat == 1 and page.samplesperpixel <= 4 and page.imagedepth == 1
    )


def described(page: Any) -> str:
    """A page's kind for messages: "12-bit RGB, LZW"."""

    def name(value: Any) -> str:
        return str(getattr(value, "name", value)).replace("_", " ")

    what = {_WHITE_IS_ZERO: "grey", _BLACK_IS_ZERO: "grey", _RGB: "RGB"}.get(page.photometric, name(page.photometric))
    kind = {2: "signed ", 3: "floating point ", 5: "complex ", 6: "complex "}.get(page.sampleformat, "")
    compression = {1: "uncompressed"}.get(page.compression, name(page.compression))
    return f"{page.bitspersample}-bit {kind}{what}, {compression}"


def page_notices(page: Any) -> list[str]:
    """What the file holds besides its first page."""
    try:
        pages = page.parent.pages
        count = len(pages)
        kinds = [int(pages[index].subfiletype) for index in range(1, min(count, _PAGES_LOOKED_AT))]
    except Exception:  # noqa: BLE001 - a damaged chain of pages makes tifffile raise nearly anything; the first may be whole
        return []
    overviews = sum(1 for kind in kinds if kind & _REDUCED)
    masks = sum(1 for kind in kinds if kind & _MASK and not kind & _REDUCED)
    others = count - overviews - masks
    notices = []
    if overviews or page.subifds:
        notices.append("overviews (smaller copies of the picture in the file) dropped")
    if masks:
        notices.append("a mask of the picture's valid part dropped")
    if others > 1:
        notices.append(f"first of {others} pages used")
    return notices


def decode(page: Any, stream: BinaryIO, *, white: float | None = None) -> Photo:
    """A page for which `is_ours` holds. `white`: see `sample_depth.scale_of`.

    Raises ImageError, which names its kind, if that is not supported, or else whatever tifffile raises on damaged data.
    """
    notices = page_notices(page)
    colours = _colours(page, notices)
    channels = _split(page, _channels_last(page, stream), colours)
    try:
        colour, alpha, scale = scaled(channels.colour, channels.alpha, page.bitspersample, white)
    except ValueError:
        raise unsupported(page) from None
    notices += [scale.notice] if scale.notice else []
    bands = channels.bands
    if bands is not None and channels.colour.dtype.kind == "f":
        notices.append("channels that are neither colour nor alpha dropped: they are floating point numbers")
        bands = None
    bands = None if bands is None else scale.apply(bands)
    # A file that does not say how its samples are meant counts as this; colours then are not.
    if page.photometric == _WHITE_IS_ZERO and (colour.shape[2] == 1 or _PHOTOMETRIC in page.tags):
        colour = np.iinfo(colour.dtype).max - colour
    if alpha is not None and _PREMULTIPLIED in page.extrasamples and _STRAIGHT not in page.extrasamples:
        colour = sample_depth.unmultiplied(colour, alpha)
    tags = tiff_tags.read(stream)
    kept = carried(tags.exif, tags.xmp, page.imagewidth, page.imagelength, orientation=_orientation(page))
    extra = tags.extra
    if kept.orientation != 1 and tiff_tags.is_geo(extra):
        extra = tuple(tag for tag in extra if tag.number not in tiff_tags.GEO_TAGS)
        notices.append("georeference (GeoTIFF) dropped: it does not fit the picture once that is turned upright")
    mark = tiff_tags.nodata_of(extra)
    if mark is not None and scale.notice:
        extra = tiff_tags.with_nodata(extra, int(scale.apply(np.full((1, 1), mark))[0, 0]))
    profile, notice = icc.checked(_tag(page, _PROFILE), grey=colours == 1)
    return photo_of(
        colour,
        alpha,
        kept,
        "TIFF",
        [*notices, *tags.notices, notice],
        icc=profile,
        dpi=_dpi(page),
        iptc=tags.iptc,
        tags=extra,
        bands=None if bands is None else np.ascontiguousarray(upright(bands, kept.orientation)),
    )


def _colours(page: Any, notices: list[str]) -> int:
    """How many of the channels are colours: 1 or 3."""
    channels, extras = page.samplesperpixel, page.extrasamples
    if page.photometric in (_RGB, _YCBCR):  # which decoders of JPEG turn into RGB
        if channels < 3:
            raise ValueError(f"the file says RGB and has {channels} channels")
        return 3
    # Several bands that say nothing of themselves, as cameras for plants and maps have them; or three colours beside
    # what is extra, in a file that does not say RGB.
    first_is_alpha = any(kind in (_PREMULTIPLIED, _STRAIGHT) for kind in extras[:1])
    if channels >= 3 and (channels - len(extras) >= 3 or not first_is_alpha):
        notices.append(f"the first three of {channels} bands taken as red, green and blue")
        return 3
    return 1


def _split(page: Any, samples: NDArray[Any], colours: int) -> _Channels:
    extras = list(page.extrasamples)[-(samples.shape[2] - colours) :] if samples.shape[2] > colours else []
    extras += [0] * (samples.shape[2] - colours - len(extras))
    at = next((index for index, kind in enumerate(extras) if kind in (_PREMULTIPLIED, _STRAIGHT)), None)
    rest = [colours + index for index in range(len(extras)) if index != at]
    return _Channels(
        samples[..., :colours],
        None if at is None else samples[..., colours + at],
        samples[..., rest] if rest else None,
    )


def _channels_last(page: Any, stream: BinaryIO) -> NDArray[Any]:
    """The samples as (H, W, C), in native byte order."""
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    if any(at + length > size for at, length in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise ValueError("the file is cut off")
    if page.imagedepth > 1:
        raise ImageError("it is a volume of several layers; save one of them as a picture")
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    try:
        samples = page.asarray(maxworkers=1)
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, (ImportError, NotImplementedError)) or any(word in str(error) for word in _UNSUPPORTED):
            raise unsupported(page) from error
        raise
    if page.planarconfig == 2 and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, -1)
    return np.asarray(samples.reshape(shape), samples.dtype.newbyteorder("="))


def unsupported(page: Any) -> ImageError:
    """The refusal of a page of a kind that is not read, which names it."""
    return ImageError(
        f"TIFF of this kind ({described(page)}) is not supported; save it with 8 or 16 bits, uncompressed or with ZIP"
    )


def _tag(page: Any, number: int) -> Any:
    try:
        return page.tags[number].value
    except (KeyError, ValueError, OSError, struct.error):  # absent or damaged
        return None


def _orientation(page: Any) -> int | None:
    value = _tag(page, _ORIENTATION)
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else None


def _dpi(page: Any) -> tuple[float, float] | None:
    try:
        across, down = page.get_resolution("INCH")
    except (ValueError, TypeError, KeyError, ZeroDivisionError):
        return None
    stated = 282 in page.tags and 283 in page.tags and across >= 2 and down >= 2  # 1: an aspect ratio
    return (float(across), float(down)) if stated else None
