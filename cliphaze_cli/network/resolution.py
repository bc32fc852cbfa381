"""The working resolution: at what size the network looks at a photo. Imports nothing heavy."""

from cliphaze_cli.system.errors import UsageError

DEFAULT_RESOLUTION = 512  # px of the long side; chosen by measurement, see benchmarks/README.md
MIN_RESOLUTION = 64  # below this the network has nothing to look at


def parse_resolution(resolution: int | str) -> int | None:
    """Long side in pixels that "auto", "full" (None: the photo's own) or a number stands for.

    Raises:
        UsageError: none of these, or smaller than MIN_RESOLUTION.
    """
    text = str(resolution).strip().lower()
    if text == "auto":
        return DEFAULT_RESOLUTION
    if text == "full":
        return None
    if not (text.isascii() and text.isdigit() and MIN_RESOLUTION <= int(text) < 10**6):
        raise UsageError(f"--resolution must be auto, full, or at least {MIN_RESOLUTION} pixels, not {resolution!r}")
    return int(text)
