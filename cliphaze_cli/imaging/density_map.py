"""Exporting haze-density maps: the values as 16-bit PNG, a picture for people, and the exact values as .npy."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cliphaze_cli.imaging.bitdepth import luma, row_bands, to_8bit
from cliphaze_cli.imaging.colourmap import coloured
from cliphaze_cli.imaging.writers import png
from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.file_status import FileStatus

OVERLAY_LONG_SIDE = 2048
_OVERLAY_STRENGTH = 0.6
_SMALLEST_CANVAS = 320
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def density_paths(stem: Path, npy: bool = False) -> list[Path]:
    """The files that `save_density` writes for a stem (a path without extension), in its order."""
    endings = [".density.png", ".density-overlay.png"] + ([".density.npy"] if npy else [])
    return [stem.with_name(stem.name + ending) for ending in endings]


def save_density(
    density: NDArray[np.floating],
    photo_pixels: NDArray[Any],
    stem: Path,
    *,
    npy: bool = False,
    title: str,
    replace: bool = True,
    follow: bool = True,
    source: FileStatus | None = None,
) -> list[Path]:
    """Writes a haze-density map, each file atomically, and returns their paths.

    density: (H, W) in [0, 1], 1 where haze hides everything; values outside are clipped and NaN counts as 0.
    photo_pixels: (H, W, 3) uint8 or uint16, the photo it belongs to.
    Files: `STEM.density.png`, 16-bit grey, 65535 for density 1; `STEM.density-overlay.png`, the photo under a colour
    map with a legend and `title`, at most `OVERLAY_LONG_SIDE` pixels; both carry `title` as PNG text; with `npy` also
    `STEM.density.npy`, float32.
    replace, follow: whether what is there is replaced, and what links lead to; see `atomic_file`.
    source: of the photo's file, whose permissions the maps do not exceed: the overlay shows the photo.
    Raises ImageError if a file cannot be written, or exists and may not be replaced; ValueError if the shapes differ.
    """
    if density.shape != photo_pixels.shape[:2]:
        raise ValueError(f"density is {density.shape}, the photo {photo_pixels.shape[:2]}: they must match")
    paths = density_paths(stem, npy)
    levels = _to_16bit(density)
    with atomic_file(paths[1], replace=replace, follow=follow, source=source, dated=False) as sink:
        png.encode(sink, np.asarray(_overlay(levels, photo_pixels, title)), title=title)
    if npy:
        with atomic_file(paths[2], replace=replace, follow=follow, source=source, dated=False) as sink:
            np.lib.format.write_array(sink, np.asarray(density, np.float32), allow_pickle=False)
    # Last: where it exists, the others do too.
    with atomic_file(paths[0], replace=replace, follow=follow, source=source, dated=False) as sink:
        png.encode(sink, levels, title=title)
    return paths


def _to_16bit(density: NDArray[np.floating]) -> NDArray[np.uint16]:
    result = np.empty(density.shape, np.uint16)
    for rows in row_bands(len(density), density.shape[1]):
        result[rows] = np.rint(np.clip(np.nan_to_num(density[rows], nan=0.0), 0, 1) * 65535)
    return result


def _overlay(levels: NDArray[np.uint16], pixels: NDArray[Any], title: str) -> Image.Image:
    """The photo in grey under the colour map of a 16-bit density, on paper with the legend below."""
    import cv2

    height, width = levels.shape
    scale = min(1.0, OVERLAY_LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Made small before anything else: copies of a large photo would be the most that it needs memory for.
    small, photo = (cv2.resize(full, size, interpolation=cv2.INTER_AREA) for full in (levels, pixels))
    grey = to_8bit(luma(photo)).astype(np.float32)[..., None]
    colours = coloured(small.astype(np.float32) / 65535)
    blend = np.rint(_OVERLAY_STRENGTH * colours + (1 - _OVERLAY_STRENGTH) * grey).astype(np.uint8)
    picture, legend = Image.fromarray(blend), _legend(size[0], title)
    canvas = Image.new("RGB", (max(picture.width, legend.width), picture.height + legend.height), _PAPER)
    canvas.paste(picture, ((canvas.width - picture.width) // 2, 0))
    canvas.paste(legend, ((canvas.width - legend.width) // 2, picture.height))
    return canvas


def _legend(width: int, title: str) -> Image.Image:
    """A title, the colour bar and its ticks; wider than the photo where that is too narrow to be read."""
    text = float(min(36, max(13, width // 40)))
    font = ImageFont.load_default(text)
    margin = round(text)
    width = max(width, _SMALLEST_CANVAS, round(font.getlength(title)) + 2 * margin)
    line, bar = round(1.5 * text), round(1.2 * text)
    legend = Image.new("RGB", (width, margin + line + bar + line + margin // 2), _PAPER)
    draw = ImageDraw.Draw(legend)
    draw.text((margin, margin // 2), title, fill=_INK, font=font)
    top, left, right = margin // 2 + line, margin, width - margin - 1
    ramp = coloured(np.linspace(0, 1, right - left + 1))
    legend.paste(Image.fromarray(np.ascontiguousarray(np.broadcast_to(ramp, (bar, *ramp.shape)))), (left, top))
    draw.rectangle((left - 1, top - 1, right + 1, top + bar), outline=_INK)
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        across = left + round(value * (right - left))
        draw.line((across, top + bar, across, top + bar + margin // 3), fill=_INK)
        anchor = {0.0: "la", 1.0: "ra"}.get(value, "ma")
        draw.text((across, top + bar + margin // 3), f"{value:g}", fill=_INK, font=font, anchor=anchor)
    return legend
