"""The versions that results depend on, for `info` and for reports."""

import platform
from importlib import metadata

DISTRIBUTIONS = (
    "cliphaze",
    "torch",
    "torchvision",
    "open_clip_torch",
    "huggingface_hub",
    "safetensors",
    "numpy",
    "pillow",
    "pillow-heif",
    "opencv-python-headless",
    "tifffile",
    "numba",
    "mamba-ssm",
    "triton",
)


def versions() -> dict[str, str | None]:
    """Python's and those of DISTRIBUTIONS; None where one is not installed. Imports none of them."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    if found["cliphaze"] is None:  # run from the sources, not installed
        from cliphaze_cli import __version__

        found["cliphaze"] = __version__
    return found
