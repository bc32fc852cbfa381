"""What a photo carries beside its pixels, made ready for a new file: one place for all formats."""

import struct
from dataclasses import dataclass

from cliphaze_cli.imaging.limits import MAX_METADATA
from cliphaze_cli.imaging.metadata import exif, xmp


@dataclass(frozen=True)
class Carried:
    """exif, xmp: as to be saved (see `Photo`), or None; orientation: how the stored pixels are to be turned, 1..8;
    notices: what was dropped."""

    exif: bytes | None
    xmp: bytes | None
    orientation: int
    notices: tuple[str, ...]


def carried(
    block: bytes | None,
    packet: bytes | None,
    width: int,
    height: int,
    *,
    orientation: int | None = None,
) -> Carried:
    """Settle the orientation, then clean EXIF and XMP of what no longer holds.

    block, packet: EXIF and XMP as the file has them; width, height: of the stored pixels, not turned yet; orientation:
    where the format itself states it. Without that EXIF decides, and without EXIF's, XMP. Damaged or huge blocks are
    dropped with a notice.
    """
    notices: list[str] = []
    if len(block or b"") > MAX_METADATA:
        block = None
        notices.append(f"EXIF dropped: larger than {MAX_METADATA >> 20} MB")
    if len(packet or b"") > xmp.MAX_XMP:
        packet = None
        notices.append(f"XMP dropped: larger than {xmp.MAX_XMP >> 20} MB")
    try:
        stated = _exif_orientation(block)
    except (ValueError, struct.error):
        block, stated = None, None
        notices.append("damaged EXIF dropped")
    try:
        in_xmp = xmp.orientation_of(packet) if packet else None
    except ValueError:
        in_xmp = xmp.orientation_in_damaged(packet or b"")
        packet = None
        notices.append("damaged XMP dropped")
    settled = orientation or stated or in_xmp or 1
    size = (height, width) if settled >= 5 else (width, height)
    if not block:
        block = None
    else:
        if exif.has_thumbnail(block):
            notices.append(xmp.THUMBNAIL_DROPPED)
        block = exif.cleaned(block, size)
    if packet:
        packet, dropped = xmp.cleaned(packet, *size)
        notices += dropped
    return Carried(block, packet, settled, tuple(dict.fromkeys(notices)))


def _exif_orientation(block: bytes | None) -> int | None:
    """What the block states, or None. Raises ValueError if it is damaged."""
    if not block:
        return None
    order, _, entries = exif.split_directory(block)
    if any(exif.entry_tag(order, one) == exif.ORIENTATION for one in entries):
        return exif.orientation_of(order, entries)
    return None
