"""Developing camera raw files by LibRaw (rawpy, the extra `raw`) to 16-bit sRGB."""

import io
from typing import Any, BinaryIO

from cliphaze_cli.imaging.limits import CheckSize
from cliphaze_cli.imaging.metadata import tiff_tags
from cliphaze_cli.imaging.metadata.carried import carried
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.readers.assembly import photo_of
from cliphaze_cli.imaging.readers.raw_extent import missing_bytes
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.system.text import one_line

_BEGINNINGS = (
    *(b"FUJIFILMCCD-RAW", b"IIU\x00", b"IIRO", b"IIRS", b"MMOR", b"FOVb", b"\x00MRM"),
    b"II\x1a\x00\x00\x00HEAPCCDR",
)
_SRGB_CURVE = (2.4, 12.92)
_CLIPPED = 0.0001  # the part of pixels that brightening may make white; LibRaw's own 0.01 burns clouds out
_ADVICE = "develop it to TIFF or JPEG first"


def is_raw(head: bytes) -> bool:
    """Whether a file that begins so is a raw file that is not built on TIFF."""
    return head.startswith(_BEGINNINGS) or head[4:12] == b"ftypcrx "


def decode(stream: BinaryIO, check_size: CheckSize) -> Photo:
    """A whole raw file. `check_size` is called before anything is developed, and raises if it likes.

    Raises ImageError where rawpy is not installed, or cannot develop the file.
    """
    try:
        import rawpy
    except ImportError:
        raise ImageError(
            f'it is a camera raw file; install rawpy (pip install "cliphaze[raw]"), or {_ADVICE}'
        ) from None
    if missing := missing_bytes(stream):
        raise ImageError(f"it is a camera raw file of which at least {missing:,} bytes are missing; copy it again")
    stream.seek(0)
    try:
        with rawpy.imread(stream) as raw:
            check_size(raw.sizes.width, raw.sizes.height, deep=True)
            preview = _preview(raw)
            pixels = raw.postprocess(
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=_SRGB_CURVE,
                use_camera_wb=True,
                auto_bright_thr=_CLIPPED,
            )
    except rawpy.LibRawError as error:
        told = error.args[0] if error.args else ""  # LibRaw's own words are bytes
        reason = one_line(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)).rstrip(".")
        reason = reason or type(error).__name__
        raise ImageError(f"it is a camera raw file that cannot be developed here ({reason}); {_ADVICE}") from error
    tags = tiff_tags.read(stream)
    height, width = pixels.shape[:2]
    block = tags.exif or preview
    kept = carried(block, tags.xmp, width, height, orientation=1)
    notices = [
        "camera raw developed to 16 bits by LibRaw, with the camera's white balance",
        None if block else "EXIF dropped: it is not read from this kind of raw file",
    ]
    return photo_of(pixels, None, kept, "TIFF", notices, icc=None, iptc=tags.iptc)


def _preview(raw: Any) -> bytes | None:
    """The EXIF block of the JPEG that cameras put beside the raw data."""
    import rawpy
    from PIL import Image

    try:
        thumbnail = raw.extract_thumb()
        if thumbnail.format != rawpy.ThumbFormat.JPEG:
            return None
        with Image.open(io.BytesIO(thumbnail.data), formats=["JPEG"]) as image:
            block = image.info.get("exif")
            return block if isinstance(block, bytes) else None
    except Exception:  # noqa: BLE001 - a damaged preview must not cost the photo
        return None
