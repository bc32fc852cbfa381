"""BMP files that Pillow refuses: colours in odd fields of bits, and OS/2's short header.

Standard: Microsoft's BITMAPINFOHEADER and BITMAPV5HEADER, IBM's OS22XBITMAPHEADER.
"""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FILE_HEADER = 14
_SHORT_OS2, _INFO, _WITH_MASKS, _WITH_ALPHA = 16, 40, 52, 56
_BIT_FIELDS = (3, 6)
_USUAL_16 = (0x7C00, 0x03E0, 0x001F, 0)
_USUAL_32 = (0xFF0000, 0xFF00, 0xFF, 0)


def opened(data: bytes) -> Image.Image | None:
    """A decoded picture, or None if the file is not one of these kinds. Raises ValueError if it is cut off."""
    if data[:2] != b"BM" or len(data) < _FILE_HEADER + _SHORT_OS2:
        return None
    size = struct.unpack_from("<I", data, _FILE_HEADER)[0]
    image: Image.Image | None = None
    if size == _SHORT_OS2:
        image = Image.open(io.BytesIO(_with_long_header(data)), formats=["BMP"])
    elif size >= _INFO and len(data) >= _FILE_HEADER + _INFO:
        image = _by_fields(data, size)
    if image is not None:
        image.format = "BMP"
    return image


def stated_size(data: bytes) -> tuple[int, int]:
    """Width and height by the header; (0, 0) if it is none that `opened` reads."""
    if data[:2] != b"BM" or len(data) < _FILE_HEADER + _SHORT_OS2:
        return 0, 0
    width, height = struct.unpack_from("<ii", data, _FILE_HEADER + 4)
    return max(width, 0), abs(height)


def _with_long_header(data: bytes) -> bytes:
    """OS/2's sixteen bytes as the forty that all know; what follows stays."""
    added = _INFO - _SHORT_OS2
    width, height, planes, bits = struct.unpack_from("<iiHH", data, _FILE_HEADER + 4)
    (offset,) = struct.unpack_from("<I", data, 10)
    head = data[:10] + struct.pack("<I", offset + added)
    info = struct.pack("<IiiHHIIiiII", _INFO, width, height, planes, bits, 0, 0, 0, 0, 0, 0)
    return head + info + data[_FILE_HEADER + _SHORT_OS2 :]


def _by_fields(data: bytes, size: int) -> Image.Image | None:
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, _FILE_HEADER + 4)
    (offset,) = struct.unpack_from("<I", data, 10)
    if bits not in (16, 32) or compression not in (0, *_BIT_FIELDS) or width <= 0 or height == 0:
        return None
    masks = _USUAL_16 if bits == 16 else _USUAL_32
    if compression in _BIT_FIELDS:
        wide = size >= _WITH_ALPHA or compression == _BIT_FIELDS[1]
        masks = struct.unpack_from("<4I" if wide else "<3I", data, _FILE_HEADER + _INFO)
    stride = (width * bits // 8 + 3) // 4 * 4
    if offset + stride * abs(height) > len(data):
        raise ValueError("the file is cut off")
    rows = np.frombuffer(data, np.uint8, stride * abs(height), offset).reshape(abs(height), stride)
    numbers = rows[:, : width * bits // 8].copy().view(f"<u{bits // 8}")
    used = masks[:3] if len(masks) == 3 or not masks[3] else masks  # without a field for alpha there is none
    samples = np.stack([_field(numbers, mask) for mask in used], axis=2)
    return Image.fromarray(samples[::-1] if height > 0 else samples)


def _field(numbers: NDArray[Any], mask: int) -> NDArray[np.uint8]:
    """One channel as 8 bits: (H, W) uint8."""
    if not mask:
        return np.zeros(numbers.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    highest = mask >> shift
    values = (numbers.astype(np.uint64) & np.uint64(mask)) >> np.uint64(shift)
    return np.rint(values * (255.0 / highest)).astype(np.uint8)
