"""Between pixel arrays, (H, W, 3) uint8, uint16 or float32, and the network's float tensors, (1, 3, H, W) in [0, 1]."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cliphaze_cli.system.luma import LUMA

FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


def full_scale(dtype: np.dtype) -> float:
    """The value that stands for 1.0 in a pixel array.

    Raises:
        TypeError: not one of the three pixel types.
    """
    if dtype.name not in FULL_SCALE:
        raise TypeError(f"pixels must be uint8, uint16 or float32, not {dtype.name}")
    return FULL_SCALE[dtype.name]


def rows_as_tensor(rows: NDArray, device: torch.device | str = "cpu") -> Tensor:
    """(rows, W, 3) pixels -> (1, 3, rows, W) float32 in [0, 1]."""
    scale = full_scale(rows.dtype)
    # A copy, as torch takes neither read-only nor reversed arrays, and has little arithmetic for uint16.
    x = torch.from_numpy(np.array(rows, np.int32 if rows.dtype == np.uint16 else rows.dtype, order="C"))
    on_cuda = torch.device(device).type == "cuda"
    x = x.pin_memory().to(device, non_blocking=True) if on_cuda else x.to(device)  # this thread goes on meanwhile
    return x.permute(2, 0, 1)[None].to(torch.float32, memory_format=torch.contiguous_format) / scale


def tensor_as_rows(x: Tensor, dtype: np.dtype) -> NDArray:
    """(1, 3, rows, W) in [0, 1], clipped and rounded -> (rows, W, 3) pixels of `dtype`."""
    scaled = x[0].permute(1, 2, 0).clamp(0, 1) * full_scale(dtype)
    if dtype.kind == "f":
        return scaled.cpu().numpy()
    return scaled.round().to(torch.int32 if dtype == np.uint16 else torch.uint8).cpu().numpy().astype(dtype, copy=False)


def luma(x: Tensor) -> Tensor:
    """(1, 3, H, W) -> (1, 1, H, W)."""
    r, g, b = LUMA
    return r * x[:, 0:1] + g * x[:, 1:2] + b * x[:, 2:3]


def luma_of_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, W, 3) -> the same shape, three times the luma of each pixel; in the unit of the input."""
    return np.asarray(cv2.transform(rows, np.array([LUMA] * 3, np.float32)), np.float32)


def working_size(height: int, width: int, long_side: int | None) -> tuple[int, int]:
    """Rows and columns after capping the long side; smaller images, and None, keep their size."""
    if long_side is None or max(height, width) <= long_side:
        return height, width
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink(pixels: NDArray, height: int, width: int) -> NDArray:
    """Area-average (H, W, 3) pixels down to (height, width, 3); as they are when the size is the same."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
