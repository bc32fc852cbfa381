"""What a file's numbers mean as colours, where it says so without an ICC profile.

Standards: ITU-T H.273 (the code points of CICP, called nclx in AVIF and HEIC), PNG third edition (cICP, sRGB, gAMA,
cHRM), ICC.1:2022 (the profile that other formats get).
"""

import functools
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

SRGB_CICP = (1, 13)
_UNSPECIFIED = (0, 2)
_D65, _DCI = (0.3127, 0.3290), (0.314, 0.351)
# Code point -> white, red, green, blue as (x, y).
_PRIMARIES = {
    1: (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    4: ((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: (_DCI, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
# BT.709 and its kin: cameras' curves, which screens show as sRGB.
_LIKE_SRGB = {1, 6, 13, 14, 15}
_HDR = {16: "PQ", 18: "HLG"}
_SRGB_CHROMATICITIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_SRGB_GAMMA = 0.45455


@dataclass(frozen=True)
class ColourLabel:
    """A file's statement about its colours.

    cicp: (primaries, transfer) by H.273, or None; intent: of PNG's sRGB chunk, 0..3; gamma: of gAMA, the exponent that
    made samples of light, such as 0.45455; chromaticities: of cHRM, x and y of white, red, green, blue.
    """

    cicp: tuple[int, int] | None = None
    intent: int | None = None
    gamma: float | None = None
    chromaticities: tuple[float, ...] | None = None

    @property
    def is_hdr(self) -> bool:
        """Whether only CICP can say it: brightness by PQ or HLG."""
        return self.cicp is not None and self.cicp[1] in _HDR

    @property
    def is_srgb(self) -> bool:
        """Whether files without any label mean the same."""
        if self.cicp is not None:
            return self.cicp[0] in (1, *_UNSPECIFIED) and self.cicp[1] in _LIKE_SRGB | {*_UNSPECIFIED}
        if self.intent is not None:
            return True
        near = self.chromaticities is None or all(
            abs(own - srgb) < 0.002 for own, srgb in zip(self.chromaticities, _SRGB_CHROMATICITIES, strict=True)
        )
        return near and (self.gamma is None or abs(self.gamma - _SRGB_GAMMA) < 0.005)

    @property
    def name(self) -> str:
        """For messages."""
        if self.cicp is None:
            return "gamma and primaries"
        primaries = {1: "BT.709", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}.get(self.cicp[0], "colour")
        return f"{primaries}, {_HDR[self.cicp[1]]}" if self.is_hdr else primaries


def of_cicp(primaries: int, transfer: int) -> ColourLabel | None:
    """The label that two code points make, or None if they say nothing."""
    if primaries in _UNSPECIFIED and transfer in _UNSPECIFIED:
        return None
    return ColourLabel(cicp=(primaries, transfer))


def of_png(chunks: dict[bytes, bytes]) -> ColourLabel | None:
    """The label in a PNG file's chunks, content by kind; damaged ones count as absent."""
    cicp = chunks.get(b"cICP", b"")
    intent, gamma, chromaticities = (chunks.get(kind, b"") for kind in (b"sRGB", b"gAMA", b"cHRM"))
    exponent = int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else 0.0
    points = (
        tuple(value / 100_000 for value in struct.unpack(">8I", chromaticities)) if len(chromaticities) == 32 else ()
    )
    label = ColourLabel(
        cicp=(cicp[0], cicp[1]) if len(cicp) == 4 else None,
        intent=intent[0] if len(intent) == 1 and intent[0] <= 3 else None,
        gamma=exponent if 0.01 <= exponent <= 10 else None,
        chromaticities=points if points and all(0 < value <= 1 for value in points[1::2]) else None,
    )
    return None if label == ColourLabel() else label


def png_chunks(label: ColourLabel) -> list[tuple[bytes, bytes]]:
    """(kind, content) of the chunks that say it in PNG."""
    chunks = []
    if label.cicp is not None:
        chunks.append((b"cICP", bytes([*label.cicp, 0, 1])))
    if label.gamma is not None:
        chunks.append((b"gAMA", struct.pack(">I", round(label.gamma * 100_000))))
    if label.chromaticities is not None:
        chunks.append((b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in label.chromaticities))))
    if label.intent is not None:
        chunks.append((b"sRGB", bytes([label.intent])))
    return chunks


def cicp_of(label: ColourLabel) -> tuple[int, int] | None:
    """The code points for formats that take only these, or None where there are none for it."""
    if label.cicp is not None or label.intent is not None:
        return label.cicp or SRGB_CICP
    transfer = next((code for code, gamma in _GAMMAS.items() if _near(1 / (label.gamma or _SRGB_GAMMA), gamma)), None)
    primaries = next((code for code in _PRIMARIES if _same_points(code, label.chromaticities)), None)
    return None if transfer is None or primaries is None else (primaries, transfer)


def to_icc(label: ColourLabel, *, grey: bool) -> bytes | None:
    """An ICC profile that says the same, for grey or RGB pixels; None where none can (PQ, HLG, unknown codes)."""
    if label.is_hdr:
        return None
    if label.cicp is not None:
        points = _PRIMARIES.get(1 if label.cicp[0] in _UNSPECIFIED else label.cicp[0])
        gamma = _GAMMAS.get(label.cicp[1])
        if points is None or (gamma is None and label.cicp[1] not in _LIKE_SRGB | {*_UNSPECIFIED}):
            return None
        flat = tuple(value for point in points for value in point)
    else:
        flat = label.chromaticities or _SRGB_CHROMATICITIES
        gamma = None if label.gamma is None or abs(label.gamma - _SRGB_GAMMA) < 0.005 else 1 / label.gamma
    return _profile(flat, gamma, grey)


@functools.cache  # a profile holds the time of its making
def _profile(points: tuple[float, ...], gamma: float | None, grey: bool) -> bytes | None:
    import imagecodecs

    white = [points[0], points[1], 1.0]
    curve: dict[str, Any] = {"gamma": gamma} if gamma is not None else {"transferfunction": _srgb_curve()}
    try:
        if grey:
            return bytes(imagecodecs.cms_profile("gray", whitepoint=white, **curve))
        primaries = [value for at in (2, 4, 6) for value in (points[at], points[at + 1], 1.0)]
        return bytes(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, **curve))
    except (ValueError, RuntimeError):  # primaries that span no triangle
        return None


def _srgb_curve() -> "np.ndarray[tuple[int, ...], np.dtype[np.uint16]]":
    samples = np.linspace(0, 1, 4096)
    light = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
    return np.rint(light * 65535).astype(np.uint16)


def _near(own: float, other: float) -> bool:
    return abs(own - other) < 0.01


def _same_points(code: int, points: tuple[float, ...] | None) -> bool:
    flat = (value for point in _PRIMARIES[code] for value in point)
    return all(abs(a - b) < 0.002 for a, b in zip(flat, points or _SRGB_CHROMATICITIES, strict=True))
