"""Images as people hold them (PIL, numpy, torch) to pixel arrays and back to the same kind."""

from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")  # Pillow's; its own conversion to RGB turns them white

ROUNDING = 1e-3  # by which float images may leave [0, 1], as resizing and rounding make them do; cut off


def opened(path: str | PathLike[str]) -> Image.Image:
    """The photo in a file, upright. Files' metadata and formats are the command line's; this is Pillow's reading.

    Raises:
        OSError: there is none that Pillow can read.
    """
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image)


def to_pixels(image: Any) -> NDArray:
    """Any supported image as an (H, W, 3) RGB array, uint8, uint16 or float32 in [0, 1]; alpha is left behind.

    Raises:
        TypeError: not an image type, or an unsupported dtype.
        ValueError: a shape that is no image, or a float image outside [0, 1].
    """
    if isinstance(image, Image.Image):
        if image.mode in SIXTEEN_BIT_MODES:
            return to_pixels(np.asarray(image))
        if image.mode in ("I", "F"):
            raise TypeError(f"a PIL image of mode {image.mode} has no agreed range; convert it to L, I;16 or RGB first")
        return np.asarray(image.convert("RGB"))
    if isinstance(image, Tensor):
        if image.dim() != 3 or image.shape[0] != 3:
            raise ValueError(f"a torch image must be (3, H, W) or (B, 3, H, W), not {tuple(image.shape)}")
        return _checked(image.detach().permute(1, 2, 0).cpu().to(_plain_dtype(image)).numpy())
    if isinstance(image, np.ndarray):
        if image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        if image.ndim != 3 or image.shape[2] not in (3, 4):
            raise ValueError(f"a numpy image must be (H, W), (H, W, 3) or (H, W, 4), not {image.shape}")
        pixels = image[..., :3]
        kind = np.float32 if pixels.dtype.kind == "f" else pixels.dtype.newbyteorder("=")
        return _checked(pixels.astype(kind, copy=False))
    raise TypeError(f"expected a PIL image, a numpy array or a torch tensor, not {type(image).__name__}")


def from_pixels(pixels: NDArray, like: Any) -> Any:
    """Pixels as the kind of image that `like` is: type, mode or shape, dtype, device; alpha copied from `like`.

    A PIL image keeps the EXIF, the resolution and, unless its colours were converted, the ICC profile of `like`.
    """
    if isinstance(like, Image.Image):
        if like.mode in SIXTEEN_BIT_MODES:
            return _with_info(Image.fromarray(from_pixels(pixels, like=np.asarray(like))), like)
        image = Image.fromarray(pixels)
        if like.mode in ("L", "LA"):
            image = image.convert("L")
        if like.has_transparency_data:
            image.putalpha(like.convert("RGBA").getchannel("A"))
        return _with_info(image, like)
    if isinstance(like, Tensor):
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().to(like.device, like.dtype)
    if like.ndim == 2:
        grey = pixels.mean(2)
        return (grey.round() if like.dtype.kind == "u" else grey).astype(like.dtype)
    return np.concatenate([pixels, like[..., 3:]], axis=2, dtype=like.dtype, casting="unsafe")


def _with_info(image: Image.Image, like: Image.Image) -> Image.Image:
    """Give `image` what Pillow's own operations keep: without its EXIF a phone's photo could not be turned upright.

    No further entries of `info`: some of them describe the file that `like` came from, and would break saving.
    """
    kept = ("exif", "dpi") if like.mode in ("CMYK", "LAB") else ("exif", "dpi", "icc_profile")
    image.info.update({key: like.info[key] for key in kept if key in like.info})
    return image


def _plain_dtype(image: Tensor) -> torch.dtype:
    return torch.float32 if image.is_floating_point() else image.dtype


def _checked(pixels: NDArray) -> NDArray:
    if 0 in pixels.shape:
        raise ValueError(f"the image is empty: shape {pixels.shape}")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise TypeError(f"pixels must be uint8, uint16 or float in [0, 1], not {pixels.dtype}")
    if pixels.dtype == np.float32:
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= -ROUNDING and high <= 1 + ROUNDING):
            raise ValueError(f"a float image must lie in [0, 1]; this one spans {low:.6g} to {high:.6g}")
        if low < 0 or high > 1:
            return pixels.clip(0, 1)
    return pixels
