"""The process that decodes photos for `isolated`: whatever a file does to the decoders happens here."""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from cliphaze_cli import child_process
from cliphaze_cli.allocator import tune_allocator
from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging.imagefile import read
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.imaging.photo_stream import send_error, send_photo

_PATIENCE = 5.0  # seconds after which this process ends itself, if the one that should have ended it is gone

_KEPT_BYTES = 256 * 2**20  # from one photo to the next: what decoding one of 24 megapixels takes


def main(limits: Limits, white: float | None = None) -> None:
    """Answer each line of standard input, a path as JSON, with a message on standard output; end with the input."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the process that asks decides when to end
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    replies = child_process.standard_output_alone()
    os.dup2(1, 2)  # decoders print on stderr too
    tune_allocator(_KEPT_BYTES)
    _bound_memory(limits.decoder_bytes)
    with contextlib.suppress(BrokenPipeError):
        for request in sys.stdin.buffer:
            _answer(Path(json.loads(request)), limits, white, replies)


def _answer(path: Path, limits: Limits, white: float | None, replies: BinaryIO) -> None:
    _end_after(limits.seconds + _PATIENCE)
    try:
        photo = read(path, max_pixels=limits.max_pixels, white=white)
    except ImageError as error:
        _end_after(0)
        send_error(replies, str(error))
    else:
        _end_after(0)
        send_photo(replies, photo)


def _end_after(seconds: float) -> None:
    """Let the system end this process then, even if a decoder never returns to Python; 0: never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _bound_memory(size: int) -> None:
    """Let allocations beyond `size` bytes fail, and let the system choose this process when memory runs out.

    Linux only; elsewhere an image's memory is bounded by the limit on its pixels alone.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (held + size, held + size))
        Path("/proc/self/oom_score_adj").write_text("500")
