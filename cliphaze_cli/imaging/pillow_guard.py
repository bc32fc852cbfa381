"""Pillow's process-wide settings, held as this package needs them only while it works."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, PngImagePlugin

from cliphaze_cli.imaging.limits import MAX_METADATA

_lock = threading.Lock()
_users = 0
_outer_limit: int | None = None
_outer_chunk = PngImagePlugin.MAX_TEXT_CHUNK


@contextmanager
def pillow_guard() -> Iterator[None]:
    """Lifts Pillow's own limits on pixels and on a PNG's colour profile and texts (1 MB, beyond which it refuses the
    whole photo), and silences its warnings; readers check sizes themselves, per call.

    Any number of threads may be inside at once: the first one in lifts the limit and the last one out restores it.
    """
    global _users, _outer_limit, _outer_chunk  # noqa: PLW0603 - Pillow's limits are process-wide, and so are these
    with _lock:
        if _users == 0:
            _outer_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            _outer_chunk, PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_CHUNK, MAX_METADATA
        _users += 1
        # A filter for Pillow's modules only. catch_warnings would swap the filters of all threads to and fro.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for name in ("PIL", "tifffile"):
            _silence(logging.getLogger(name))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                Image.MAX_IMAGE_PIXELS = _outer_limit
                PngImagePlugin.MAX_TEXT_CHUNK = _outer_chunk


def _silence(logger: logging.Logger) -> None:
    # Without any handler, logging's last resort writes to stderr; an application's own handlers still get the records.
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
