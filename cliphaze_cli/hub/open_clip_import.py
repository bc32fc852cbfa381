"""The one place that imports open_clip."""

import importlib
import sys
from types import ModuleType
from typing import Any

_torchvision_operators: list[Any] = []  # torch.library registrations live as long as their object


def import_open_clip() -> ModuleType:
    """Import open_clip, also where torchvision was built for another torch than the one installed.

    Such a torchvision (PyPI's CUDA build beside a CPU torch) fails at import because its compiled operators did not
    load; open_clip needs none of them, so declaring the two that are missed is enough. Any other error is passed on.
    """
    try:
        return importlib.import_module("open_clip")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _torchvision_operators.append(library)
    for name in [each for each in sys.modules if each.partition(".")[0] in ("torchvision", "open_clip")]:
        del sys.modules[name]  # half-imported by the failed attempt
    return importlib.import_module("open_clip")
