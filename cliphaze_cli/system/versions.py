"""The version of cliphaze, and those that results depend on, for `info` and for reports."""

import platform

__version__ = "0.2.0"

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
    from importlib import metadata

    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    if found["cliphaze"] is None:  # run from the sources, not installed
        found["cliphaze"] = __version__
    return found
