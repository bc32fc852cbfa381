"""The beginning of a JPEG XL codestream: size, depth and colours, before anything is decoded.

Standard: ISO/IEC 18181-1:2024, annexes D (size, metadata) and E (colour encoding).
"""

from dataclasses import dataclass

from cliphaze_cli.imaging.metadata import colour_label
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel

_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_GREY, _XYB = 1, 2
_ALPHA, _SPOT, _FILTER_ARRAY = 0, 2, 5
_D65, _CUSTOM, _P3 = 1, 2, 11
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))


@dataclass(frozen=True)
class JxlHeader:
    """width, height: as stored, not turned; bits: of a sample; animated.

    alpha: whether a channel is transparency; premultiplied: whether colours are multiplied with it; others: whether
    there are channels that are neither. colour: None for sRGB, and where `unread`: the colours are described in a way
    that is not read here (an ICC profile, own primaries).
    """

    width: int
    height: int
    bits: int = 8
    alpha: bool = False
    premultiplied: bool = False
    others: bool = False
    animated: bool = False
    colour: ColourLabel | None = None
    unread: bool = False


def read(codestream: bytes) -> JxlHeader:
    """The header of a codestream. Raises ValueError if it is none, or cut off."""
    if codestream[:2] != b"\xff\x0a":
        raise ValueError("no JPEG XL codestream")
    bits = _Bits(codestream[2:4096])
    width, height = _size(bits)
    if bits.take(1):
        return JxlHeader(width, height)
    animated = False
    if bits.take(1):
        bits.take(3)  # orientation, which the decoder applies
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            return JxlHeader(width, height, unread=True)  # a preview: rare, and of a size of its own
        animated = bool(bits.take(1))
        if animated:
            bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))
            bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))
            bits.choice((0, 0), (0, 3), (0, 16), (0, 32))
            bits.take(1)
    depth = _depth(bits)
    bits.take(1)
    kinds = [_extra_channel(bits) for _ in range(bits.choice((0, 0), (1, 0), (2, 4), (1, 12)))]
    bits.take(1)  # whether it is in XYB
    colour, unread = _colours(bits)
    return JxlHeader(
        width,
        height,
        depth,
        alpha=any(kind == _ALPHA for kind, _ in kinds),
        premultiplied=any(kind == _ALPHA and associated for kind, associated in kinds),
        others=any(kind != _ALPHA for kind, _ in kinds),
        animated=animated,
        colour=colour,
        unread=unread,
    )


class _Bits:
    """Numbers from bytes, lowest bits first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the header is cut off")
        self._left -= count
        result = self._value & (1 << count) - 1
        self._value >>= count
        return result

    def choice(self, *ways: tuple[int, int]) -> int:
        """U32: one of four (start, bits of what is added)."""
        start, count = ways[self.take(2)]
        return start + self.take(count)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.choice((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height


def _depth(bits: _Bits) -> int:
    if not bits.take(1):
        return bits.choice((8, 0), (10, 0), (12, 0), (1, 6))
    depth = bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return depth


def _extra_channel(bits: _Bits) -> tuple[int, bool]:
    """(its kind, whether it is alpha that colours are multiplied with)."""
    if bits.take(1):
        return _ALPHA, False
    kind = bits.choice(*_ENUM)
    _depth(bits)
    bits.choice((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.choice((0, 0), (0, 4), (16, 5), (48, 10)))
    associated = bool(bits.take(1)) if kind == _ALPHA else False
    if kind == _SPOT:
        bits.take(4 * 16)
    if kind == _FILTER_ARRAY:
        bits.choice((1, 0), (0, 2), (3, 4), (19, 8))
    return kind, associated


def _colours(bits: _Bits) -> tuple[ColourLabel | None, bool]:
    """(what the colours are, or None for sRGB; whether that could not be told)."""
    if bits.take(1):
        return None, False
    by_profile, space = bits.take(1), bits.choice(*_ENUM)
    if by_profile or space > _GREY:
        return None, True
    white = bits.choice(*_ENUM)
    if white == _CUSTOM:
        return None, True
    primaries = 1
    if space != _GREY:
        primaries = bits.choice(*_ENUM)
        if primaries == _CUSTOM:
            return None, True
    if primaries == _P3 and white == _D65:
        primaries = 12
    if bits.take(1):
        gamma = bits.take(24) / 1e7
        return (ColourLabel(gamma=gamma) if primaries == 1 and 0.01 < gamma <= 1 else None), primaries != 1
    transfer = bits.choice(*_ENUM)
    label = colour_label.of_cicp(primaries, 2 if transfer == 17 else transfer)
    return (None if label is None or label.is_srgb else label), False
