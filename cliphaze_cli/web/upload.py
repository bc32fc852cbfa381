"""Take what a browser sends to the disk, up to a limit."""

from collections.abc import AsyncIterable
from pathlib import Path

from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.system.errors import CliphazeError

_BYTES_PER_PIXEL = 8  # of the largest files, uncompressed with 16 bits and alpha
_BYTES_OF_METADATA = 2**26


class TooLargeError(CliphazeError):
    """A file that is larger than any photo within the limits."""


def most_bytes(limits: Limits) -> int:
    """Of a file whose photo is within the limits."""
    return _BYTES_PER_PIXEL * limits.max_pixels + _BYTES_OF_METADATA


async def receive(chunks: AsyncIterable[bytes], path: Path, limits: Limits, name: str) -> None:
    """Write what comes to `path`. Raises TooLargeError as soon as it is too much; OSError where the disk refuses."""
    most, size = most_bytes(limits), 0
    with path.open("xb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise TooLargeError(
                    f"{name} has more than {most >> 20} MB, which no photo of {limits.max_pixels / 1e6:g} megapixels "
                    "has: make it smaller first"
                )
            file.write(chunk)
