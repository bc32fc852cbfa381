"""From samples as a decoder hands them out to a `Photo`: the same last steps in every reader of more than 8 bits."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cliphaze_cli.imaging import sample_depth
from cliphaze_cli.imaging.metadata.carried import Carried
from cliphaze_cli.imaging.orientation import upright
from cliphaze_cli.imaging.photo import Photo


def in_channels(samples: NDArray[Any]) -> NDArray[Any]:
    """(H, W) or (H, W, C) as (H, W, C)."""
    return samples[..., None] if samples.ndim == 2 else samples


def split(samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """(H, W, 1 to 4) -> (colours (H, W, 1 or 3), alpha (H, W) or None)."""
    channels = samples.shape[2]
    return samples[..., : 1 if channels <= 2 else 3], samples[..., -1] if channels in (2, 4) else None


def scaled(
    colour: NDArray[Any], alpha: NDArray[Any] | None, bits: int, white: float | None, *, premultiplied: bool = False
) -> tuple[NDArray[Any], NDArray[Any] | None, sample_depth.Scale]:
    """Colours (H, W, C) and alpha (H, W) of any depth as uint8 or uint16, and how; the rest as in
    `sample_depth.scale_of`. Floating point alpha is opaque at 1.

    premultiplied: colours are multiplied with alpha, which is divided out. Raises ValueError for kinds that are no
    samples of a picture.
    """
    scale = sample_depth.scale_of(colour, bits, white)
    colour = scale.apply(colour)
    if alpha is not None:
        of_alpha = sample_depth.Scale(factor=65535.0) if alpha.dtype.kind == "f" else scale
        alpha = of_alpha.apply(alpha)
        colour = sample_depth.unmultiplied(colour, alpha) if premultiplied else colour
    return colour, alpha, scale


def photo_of(
    colour: NDArray[Any],
    alpha: NDArray[Any] | None,
    kept: Carried,
    format: str,
    notices: Iterable[str | None],
    /,
    **others: Any,
) -> Photo:
    """The photo, turned upright.

    colour: (H, W, 1 or 3) uint8 or uint16, as the file stores it, one channel being grey; alpha: (H, W) of the same
    dtype, or None; notices: without those that are None or said before, and before those of `kept`; others: fields of
    `Photo`.
    """
    colour = upright(colour, kept.orientation)
    grey = colour.shape[2] == 1
    said = dict.fromkeys(notice for notice in (*notices, *kept.notices) if notice)
    return Photo(
        pixels=np.repeat(colour, 3, axis=2) if grey else np.ascontiguousarray(colour),
        alpha=None if alpha is None else np.ascontiguousarray(upright(alpha, kept.orientation)),
        grey=grey,
        exif=kept.exif,
        format=format,
        notices=tuple(said),
        xmp=kept.xmp,
        **others,
    )
