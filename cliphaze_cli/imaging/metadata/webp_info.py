"""How a WebP file is compressed: without loss, or by which quality.

Standard: WebP container specification, RFC 6386 (VP8) section 9.
"""

import struct
from collections.abc import Iterator

_HIGHEST_INDEX = 127  # of quantizers
_OF_FIRST_SEGMENT = 1.4465


def is_lossless(data: bytes) -> bool:
    """Whether the (first) picture is stored without loss."""
    return next((kind == b"VP8L" for kind, _ in _pictures(data)), False)


def quality_of(data: bytes) -> int | None:
    """The quality 0..100 by which libwebp would choose the picture's quantizer; None if there is none to be read."""
    for kind, content in _pictures(data):
        if kind == b"VP8 ":
            try:
                index, segments = _quantizer_index(content)
            except (ValueError, IndexError):
                return None
            # libwebp: index = 127 (1 - c), c the cube root of the quality bent at 0.75; of segments the first, the most
            # detailed one, has c to the power of 1.4465 by its default settings.
            linear = (1 - index / _HIGHEST_INDEX) ** (3 / _OF_FIRST_SEGMENT if segments else 3)
            return round(100 * (linear * 1.5 if linear < 0.5 else (linear + 1) / 2))
    return None


def _pictures(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, content) of each chunk that holds compressed pixels, those of animations too."""
    stack = [(12, len(data))] if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else []
    while stack:
        at, end = stack.pop()
        while at + 8 <= end:
            kind = data[at : at + 4]
            (length,) = struct.unpack_from("<I", data, at + 4)
            if kind == b"ANMF":
                stack.append((at + 8 + 16, min(end, at + 8 + length)))
                break
            if kind in (b"VP8 ", b"VP8L"):
                yield kind, data[at + 8 : at + 8 + min(length, 4096)]
            at += 8 + length + length % 2


def _quantizer_index(frame: bytes) -> tuple[int, bool]:
    """(y_ac_qi of a key frame's header, whether it has segments). Raises ValueError if it is none."""
    if len(frame) < 16 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        raise ValueError("no key frame")
    bits = _BoolDecoder(frame[10:])
    bits.number(2)  # colour space, clamping
    segments = bool(bits.number(1))
    if segments:
        new_map, new_data = bits.number(1), bits.number(1)
        if new_data:
            bits.number(1)
            for size in (7, 7, 7, 7, 6, 6, 6, 6):
                bits.optional(size + 1)
        if new_map:
            for _ in range(3):
                bits.optional(8)
    bits.number(1 + 6 + 3)  # the loop filter
    if bits.number(1) and bits.number(1):
        for _ in range(8):
            bits.optional(6 + 1)
    bits.number(2)  # partitions
    return bits.number(7), segments


class _BoolDecoder:
    """RFC 6386 section 7, for flags of even chance."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 2
        self._value = data[0] << 8 | data[1]
        self._range, self._shifts = 255, 0

    def number(self, size: int) -> int:
        result = 0
        for _ in range(size):
            result = result << 1 | self._flag()
        return result

    def optional(self, size: int) -> None:
        """A number that a flag announces."""
        if self.number(1):
            self.number(size)

    def _flag(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        result = self._value >= split << 8
        if result:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifts += 1
            if self._shifts == 8:
                self._shifts = 0
                self._value |= self._data[self._at]
                self._at += 1
        return int(result)
