"""Where and how precisely to compute: device, precision and cores."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import cv2
import torch

from cliphaze_cli.system.errors import UsageError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_device(device: "str | torch.device | None" = "auto") -> torch.device:
    """ "auto", or None, is CUDA, then MPS, then the CPU.

    Raises:
        UsageError: an unknown device, or one that is not there.
    """
    if device is None or device == "auto":
        has_mps = torch.backends.mps.is_available()
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError):
        resolved = None
    if resolved is None or resolved.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"unknown device {str(device)!r}; use auto, cpu, cuda, cuda:N or mps")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise UsageError(f"device {str(device)!r} is not there (PyTorch sees {found} CUDA devices); use cpu or auto")
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device 'mps' is not there; use --device cpu or auto")
    return resolved


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """ "auto" is float32 on CPU and MPS, and on CUDA bfloat16 (in which the weights were trained) or else float16.

    Raises:
        UsageError: an unknown precision, or float16 on the CPU, where it is hundreds of times slower.
    """
    if precision == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision {precision!r}; use auto, {', '.join(PRECISIONS)}")
    if precision == "fp16" and device.type == "cpu":
        raise UsageError("fp16 is unusably slow on a CPU; use --precision fp32 or bf16")
    return PRECISIONS[precision]


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Mixed precision in `dtype`; for float32 none, and on CUDA no convolution may round its inputs to TF32."""
    if dtype != torch.float32:
        return torch.autocast(device.type, dtype)
    return _without_tf32() if device.type == "cuda" else nullcontext()


@contextmanager
def _without_tf32() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def pytorch_threads() -> int:
    """How many threads, each on a core, PyTorch computes with here."""
    return torch.get_num_threads()


def use_cores(count: int) -> None:
    """Let PyTorch and OpenCV compute with so many, in the whole process."""
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
