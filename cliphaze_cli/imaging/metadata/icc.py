"""ICC colour profiles: whether one is usable, and conversion to sRGB where a colour space cannot be kept."""

from typing import Any

_HEADER = 128


def colour_space(profile: bytes) -> str | None:
    """The colour space in a profile's header, such as "RGB", "GRAY" or "CMYK"; None if it is no usable profile."""
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp" or int.from_bytes(profile[:4], "big") > len(profile):
        return None
    return profile[16:20].decode("ascii", "replace").strip()


def checked(profile: object, *, grey: bool) -> tuple[bytes | None, str | None]:
    """(the profile if it fits grey or RGB pixels or else None, a notice if one was dropped)."""
    if not profile:
        return None, None
    space = colour_space(profile) if isinstance(profile, bytes) else None
    if space is None or not isinstance(profile, bytes):
        return None, "damaged colour profile (ICC) dropped"
    if space == "RGB" or (grey and space == "GRAY"):
        return profile, None
    return None, f"colour profile (ICC) for {space} dropped: it does not fit the pixels"


def srgb_transform(profile: bytes | None, mode: str) -> Any:
    """A Pillow transform from CMYK or LAB to sRGB, or None if the profile cannot be used.

    profile: of CMYK pixels; LAB needs none.
    """
    import io

    from PIL import ImageCms

    try:
        source = (
            ImageCms.createProfile("LAB") if mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        )
        return ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
