"""A photo's metadata as one format can hold them, and what it cannot."""

from dataclasses import dataclass, replace
from typing import Any

from cliphaze_cli.imaging.formats import Format
from cliphaze_cli.imaging.metadata import colour_label, icc, jpeg_segments, png_chunks, tiff_tags
from cliphaze_cli.imaging.metadata.colour_label import ColourLabel
from cliphaze_cli.imaging.metadata.extras import COMMENT
from cliphaze_cli.imaging.metadata.tiff_tags import Tag
from cliphaze_cli.imaging.photo import Photo

_JPEG_EXIF_LIMIT = 65_533
_BY_CICP = ("AVIF", "HEIF")
_BT2020 = 9  # both as primaries and as matrix


@dataclass(frozen=True)
class Packed:
    """Metadata to write, as in `Photo`; what the format cannot hold is absent. segments: of a JPEG file."""

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    label: ColourLabel | None = None
    cicp: tuple[int, int] | None = None
    tags: tuple[Tag, ...] = ()
    dpi: tuple[float, float] | None = None
    segments: bytes = b""

    def pillow_options(self, name: str) -> dict[str, Any]:
        """Options of Pillow's `save`."""
        options: dict[str, Any] = {}
        if self.exif:
            options["exif"] = self.exif
        if self.icc:
            options["icc_profile"] = self.icc
        if self.dpi and name in ("JPEG", "BMP"):
            options["dpi"] = self.dpi
        if self.segments:
            options["extra"] = self.segments
        if self.xmp and name != "JPEG":
            options["xmp"] = self.xmp
        if self.cicp and name == "HEIF":
            options["color_primaries"], options["transfer_characteristics"] = self.cicp
            options["matrix_coefficients"] = _BT2020 if self.cicp[0] == _BT2020 else 6
            options["full_range_flag"] = 1
        return options

    def png_chunks(self) -> list[bytes]:
        """Whole chunks for a PNG file."""
        label = self.label
        if label is not None and self.icc:  # of which the standard wants one only
            label = replace(label, intent=None)
        colours = [] if label is None else [png_chunks.chunk(*one) for one in colour_label.png_chunks(label)]
        return [*colours, *png_chunks.texts_written(self.texts, self.xmp, self.iptc)]


def metadata_for(photo: Photo, target: Format) -> tuple[Packed, list[str]]:
    """(what the target can hold, what it cannot, a short phrase each)."""
    name, notices = target.name, list[str]()
    if not target.metadata:
        return Packed(dpi=photo.dpi), _all_dropped(photo, name)
    kept = Packed(exif=photo.exif, xmp=photo.xmp, iptc=photo.iptc, dpi=photo.dpi)
    kept = _with_colour(kept, photo, target, notices)
    if kept.exif and name == "JPEG" and len(kept.exif) > _JPEG_EXIF_LIMIT:
        notices.append("EXIF dropped: longer than the 64 KB that JPEG can hold")
        kept = replace(kept, exif=None)
    if name == "TIFF":
        kept = replace(kept, tags=photo.tags)
    elif tiff_tags.is_geo(photo.tags):
        notices.append(f"georeference (GeoTIFF) dropped: {name} holds none; choose TIFF")
    others = [str(tag.number) for tag in photo.tags if tag.number not in tiff_tags.GEO_TAGS]
    if others and name != "TIFF":
        notices.append(
            f"TIFF tags {', '.join(others[:8])}{' ...' if len(others) > 8 else ''} dropped: {name} holds none"
        )
    if kept.iptc and name in ("WEBP", "AVIF", "HEIF"):
        notices.append(f"IPTC dropped: {name} holds none")
        kept = replace(kept, iptc=None)
    comment = next((text for keyword, text in photo.texts if keyword == COMMENT), None)
    unheld = [keyword for keyword, _ in photo.texts if not (name == "JPEG" and keyword == COMMENT)]
    if name == "PNG":
        kept = replace(kept, texts=photo.texts)
    elif unheld:
        shown = ", ".join(ascii(keyword)[1:-1] for keyword in dict.fromkeys(unheld[:8]))
        notices.append(f"texts ({shown}{' ...' if len(unheld) > 8 else ''}) dropped: {name} holds none")
    if name == "JPEG":
        segments, dropped = jpeg_segments.written(kept.xmp, kept.iptc, comment.encode() if comment else None)
        kept = replace(kept, segments=segments)
        notices += dropped
    return kept, notices


def _with_colour(kept: Packed, photo: Photo, target: Format, notices: list[str]) -> Packed:
    """The colour profile and the label, as the target says such things."""
    profile, label, name = photo.icc, photo.colour, target.name
    if profile and photo.grey and not target.grey and icc.colour_space(profile) == "GRAY":
        notices.append(f"colour profile for grey dropped: {name} stores colour")
        profile = None
    if label is None:
        return replace(kept, icc=profile)
    if name == "PNG":
        # What few programs read yet is said in the way that all do as well.
        if profile is None and label.cicp is not None and not label.is_srgb:
            profile = colour_label.to_icc(label, grey=photo.grey)
        needed = photo.format == "PNG" or not label.is_srgb
        return replace(kept, icc=profile, label=label if needed else None)
    if profile is not None:
        return replace(kept, icc=profile)
    if name in _BY_CICP and (cicp := colour_label.cicp_of(label)) is not None:
        return replace(kept, cicp=None if cicp == colour_label.SRGB_CICP else cicp)
    if not label.is_srgb:
        profile = colour_label.to_icc(label, grey=photo.grey and target.grey)
        if profile is None:
            notices.append(
                f"colour label ({label.name}) dropped: {name} holds none, so colours will look wrong; "
                "choose AVIF, HEIC or PNG"
            )
    return replace(kept, icc=profile)


def _all_dropped(photo: Photo, name: str) -> list[str]:
    """What a format without metadata loses."""
    lost = {
        "EXIF": photo.exif,
        "colour profile": photo.icc,
        "XMP": photo.xmp,
        "IPTC": photo.iptc,
        "texts": photo.texts,
        "georeference": tiff_tags.is_geo(photo.tags),
        f"colour label ({photo.colour.name if photo.colour else ''})": photo.colour and not photo.colour.is_srgb,
    }
    names = [what for what, there in lost.items() if there]
    if not names:
        return []
    listed = ", ".join(names[:-1]) + " and no " * (len(names) > 1) + names[-1]
    return [f"{name} holds no {listed}; dropped"]
