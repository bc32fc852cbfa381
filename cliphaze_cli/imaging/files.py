"""Reading and writing photo files, with everything that has to survive: the one door to files of images."""

import contextlib
import dataclasses
import functools
import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cliphaze_cli.imaging.formats import FORMATS, FORMATS_SHOWN, READ_SHOWN, format_named, format_of_name
from cliphaze_cli.imaging.limits import DEFAULT_MAX_PIXELS, MAX_METADATA, CheckSize, megapixels
from cliphaze_cli.imaging.memory import check_memory
from cliphaze_cli.imaging.metadata import jpeg_segments, nodata, png_chunks
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.pillow_guard import pillow_guard
from cliphaze_cli.imaging.readers import avif_repair, bmp, jp2, jxl, pillow, png16, raw, tiff
from cliphaze_cli.imaging.writers import encoder
from cliphaze_cli.system import file_status
from cliphaze_cli.system.atomic_file import atomic_file, shown
from cliphaze_cli.system.errors import ImageError, NeedsMemoryError
from cliphaze_cli.system.text import one_line

_USUAL_CHANNELS = 4

__all__ = ["DEFAULT_MAX_PIXELS", "Photo", "read", "with_pixels", "write"]


def with_pixels(photo: Photo, pixels: NDArray[Any]) -> Photo:
    """The same photo with other pixels (H, W, 3), for instance dehazed ones.

    Where a map marks pixels without data by their value, these stay as they are, and others do not become such.
    """
    return dataclasses.replace(photo, pixels=nodata.kept(photo, pixels))


def read(
    path: Path,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    max_bytes: int | None = None,
    white: float | None = None,
) -> Photo:
    """Decodes a photo, by its content whatever its name says, upright, with its metadata.

    Raises ImageError, with one line that says what is wrong and what to do, for anything that is not a whole image in
    one of `formats.FORMATS` of at most `max_pixels` pixels. Damaged or huge metadata are dropped with a notice.
    Raises NeedsMemoryError, before anything is decoded, if working on it takes more than `max_bytes`.
    white: the value of floating point samples that becomes white; None means 1 if all lie within 0..1, or else the
    99.9th percentile, with a notice.
    """
    path = Path(path)
    try:
        with pillow_guard(), _opened(path) as stream:
            check_size = functools.partial(_check_size, max_pixels=max_pixels, max_bytes=max_bytes)
            photo = _without_huge_profile(_decode(stream, check_size, white))
            return dataclasses.replace(photo, file=file_status.status_of(stream.fileno()))
    except NeedsMemoryError:
        raise
    except ImageError as error:
        raise ImageError(f"cannot read {shown(path)}: {error}") from error.__cause__
    except MemoryError as error:
        raise ImageError(f"cannot read {shown(path)}: not enough memory to decode it") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"cannot read {shown(path)}: not a {READ_SHOWN} image, or damaged") from error
    except Exception as error:  # on damaged data, decoders raise nearly anything
        reason = one_line(str(error)) or type(error).__name__
        raise ImageError(
            f"cannot read {shown(path)}: {reason.rstrip('.')} (damaged or incomplete? copy it again)"
        ) from error


def write(
    photo: Photo,
    path: Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    replace: bool = True,
    preserve: bool = True,
) -> tuple[str, ...]:
    """Encodes `photo` to `path`, which appears complete or not at all; returns notices of what could not be kept.

    format: such as "PNG"; None means the one that the path's extension stands for, or else the photo's own.
    quality: 0..100 for JPEG, WebP, AVIF and HEIF; None means a high one, or about the source's, at least 75, where the
    photo was JPEG or WebP and stays that. Grey stays one channel where the format has such a thing, and uint16 stays
    16 bits in PNG and TIFF. The file gets its source's times if `preserve`, and in any case no permissions that its
    source lacks. Raises ImageError; without `replace` OutputExistsError if `path` exists when the photo is complete.
    """
    path = Path(path)
    name = (format_named(format) if format else format_of_name(path)) or (None if format else photo.format)
    if name not in FORMATS:
        raise ImageError(f"cannot write {shown(path)} as {format or name}; choose {FORMATS_SHOWN}")
    if quality is not None and not 0 <= quality <= 100:
        raise ImageError(f"cannot write {shown(path)}: quality is {quality}; choose 0 to 100")
    with atomic_file(path, replace=replace, source=photo.file, dated=preserve) as sink:
        try:
            with pillow_guard():
                return encoder.encode(sink, photo, FORMATS[name], quality)
        except MemoryError as error:
            raise ImageError(f"cannot write {shown(path)}: not enough memory to encode it") from error
        except OSError as error:
            if error.errno is not None:
                raise  # the disk's, explained by atomic_file
            raise _encoder_failed(path, name, error) from error
        except Exception as error:
            raise _encoder_failed(path, name, error) from error


def _encoder_failed(path: Path, name: str, error: Exception) -> ImageError:
    reason = one_line(str(error)).rstrip(".") or type(error).__name__
    return ImageError(f"cannot write {shown(path)} as {name}: {reason}; choose another format, such as PNG")


def _opened(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("it is a folder; give an image file")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("it is not a regular file; give an image file")
        if status.st_size == 0:
            raise ImageError("the file is empty; copy it again from its source")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ImageError("there is no such file; check the path") from error
    except PermissionError as error:
        raise ImageError("no permission to read it; change its permissions") from error
    except OSError as error:
        raise ImageError(f"{os.strerror(error.errno or 0)}; check the path and the disk") from error
    except ValueError as error:  # a null character
        raise ImageError("its name is not a possible file name") from error


def _decode(stream: BinaryIO, check_size: CheckSize, white: float | None) -> Photo:
    head = stream.read(64)
    header = png16.read_header(head)
    if header is not None:
        return _decode_png(stream, header, check_size)
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return _decode_tiff(stream, head, check_size, white)
    if raw.is_raw(head):
        return raw.decode(stream, check_size)
    if jp2.is_jp2(head):
        stream.seek(0)
        return jp2.decode(stream.read(), check_size)
    if jxl.is_jxl(head):
        stream.seek(0)
        return jxl.decode(stream.read(), check_size, white=white)
    return _decode_other(stream, head, check_size)


def _decode_other(stream: BinaryIO, head: bytes, check_size: CheckSize) -> Photo:
    """By Pillow, and what it refuses with some help."""
    try:
        return _decode_by_pillow(stream, check_size)
    except (ImageError, MemoryError):
        raise
    except Exception:
        again = _repaired(stream, head)
        if again is not None:
            return _decode_by_pillow(again, check_size)
        bitmap = _odd_bitmap(stream, head, check_size)
        if bitmap is not None:
            return pillow.decode(bitmap, stream)
        _refuse_by_name(stream, head)
        raise


def _decode_by_pillow(stream: BinaryIO, check_size: CheckSize) -> Photo:
    with pillow.open_image(stream) as image:
        check_size(image.width, image.height)
        return pillow.decode(image, stream)


def _repaired(stream: BinaryIO, head: bytes) -> BinaryIO | None:
    """An AVIF file by today's rules, if it is one by older ones."""
    if head[4:8] != b"ftyp" or b"avif" not in head[8:64]:
        return None
    stream.seek(0)
    data = avif_repair.repaired(stream.read())
    return None if data is None else io.BytesIO(data)


def _refuse_by_name(stream: BinaryIO, head: bytes) -> None:
    """Raises ImageError for JPEG files that are whole but of a kind that is not read."""
    if head[:2] == b"\xff\xd8":
        stream.seek(0)
        kind = jpeg_segments.unusual_kind(stream.read())
        if kind is not None:
            raise ImageError(f"{kind} JPEG is not supported; save it as an 8-bit JPEG, or as TIFF")


def _odd_bitmap(stream: BinaryIO, head: bytes, check_size: CheckSize) -> Image.Image | None:
    if head[:2] != b"BM":
        return None
    stream.seek(0)
    data = stream.read()
    check_size(*bmp.stated_size(data))
    return bmp.opened(data)


def _decode_png(stream: BinaryIO, header: png16.Header, check_size: CheckSize) -> Photo:
    check_size(header.width, header.height, deep=header.bits > 8)
    stream.seek(0)
    png = png_chunks.read(stream.read())
    if header.bits == 16:
        return png16.decode(png, header)
    picture = io.BytesIO(png.needed)
    with pillow.open_image(picture) as image:
        return pillow.decode(image, picture, png)


def _decode_tiff(stream: BinaryIO, head: bytes, check_size: CheckSize, white: float | None) -> Photo:
    page = tiff.first_page(stream)
    if head[8:10] == b"CR" or (page is not None and tiff.is_camera_raw(page)):
        return raw.decode(stream, check_size)
    if page is None:
        return _decode_by_pillow(stream, check_size)
    deep = page.bitspersample > 8
    check_size(page.imagewidth, page.imagelength, deep=deep)
    # Of a picture of many bands the limits count them all.
    check_size(page.imagewidth, page.imagelength * -(-page.samplesperpixel // _USUAL_CHANNELS), deep=deep)
    if page.is_tiled:  # which are unpacked as a whole, however small the picture
        check_size(page.tilewidth, page.tilelength, deep=deep)
    if tiff.is_ours(page):
        try:
            return tiff.decode(page, stream, white=white)
        except MemoryError:
            raise
        except Exception as error:
            if tiff.is_pillows(page):
                with contextlib.suppress(OSError, ValueError, SyntaxError):
                    return _decode_by_pillow(stream, check_size)
            raise error
    try:
        return _decode_by_pillow(stream, check_size)
    except UnidentifiedImageError:
        raise tiff.unsupported(page) from None


def _without_huge_profile(photo: Photo) -> Photo:
    if len(photo.icc or b"") > MAX_METADATA:
        said = f"colour profile (ICC) dropped: larger than {MAX_METADATA >> 20} MB"
        photo = dataclasses.replace(photo, icc=None, notices=(*photo.notices, said))
    return photo


def _check_size(width: int, height: int, *, deep: bool = False, max_pixels: int, max_bytes: int | None) -> None:
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} is {megapixels(width * height)} megapixels, and the limit is {max_pixels / 1e6:g}; "
            "make it smaller first, or raise the limit (--max-megapixels)"
        )
    if width * height == 0:
        raise ImageError("it has no pixels; copy it again from its source")
    check_memory(width, height, max_bytes, deep=deep)
