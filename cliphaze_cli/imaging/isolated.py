"""Reading photos in a process of their own: a file that crashes or hangs a decoder, or makes it take all memory,
costs that file and nothing else."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import BinaryIO

from cliphaze_cli import child_process
from cliphaze_cli.errors import ImageError
from cliphaze_cli.imaging.atomic import shown
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.imaging.photo_stream import receive

_SLICE = 0.5  # seconds; a time limit is counted in such, so that it stands still while this process is stopped (Ctrl-Z)
_PROGRAM = """\
import sys
from cliphaze_cli.imaging import decoder_process, limits
white = float(sys.argv[3]) if sys.argv[3] else None
decoder_process.main(limits.Limits(int(sys.argv[1]), float(sys.argv[2])), white)
"""


class IsolatedReader:
    """`imagefile.read` in another process. Call it from any number of threads; use it as a context manager.

    The process is started on entering, so that its imports overlap with whatever comes next, and again after a file
    that ended it; as many as there are calls at a time.
    """

    def __init__(self, limits: Limits | None = None, *, white: float | None = None) -> None:
        self._limits, self._white = limits or Limits(), white
        self._lock = threading.Lock()
        self._idle: list[_Decoder] = []
        self._busy: set[_Decoder] = set()
        self._closed = False

    def __enter__(self) -> "IsolatedReader":
        self._idle.append(_Decoder(self._limits, self._white))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, path: Path) -> Photo:
        """Decode a photo as `imagefile.read` does, and raise ImageError also if that takes too long or crashes."""
        with self._lock:
            if self._closed:
                raise ImageError(f"cannot read {shown(path)}: interrupted")
            decoder = self._idle.pop() if self._idle else _Decoder(self._limits, self._white)
            if not decoder.alive:  # it ended while it had nothing to do: no fault of this file
                decoder.end()
                decoder = _Decoder(self._limits, self._white)
            self._busy.add(decoder)
        try:
            return decoder.read(path)
        finally:
            with self._lock:
                self._busy.discard(decoder)
                if decoder.alive and not self._closed:
                    self._idle.append(decoder)
                else:
                    decoder.end()

    def close(self) -> None:
        """End the processes; calls under way fail at once."""
        with self._lock:
            self._closed = True
            decoders, self._idle = [*self._idle, *self._busy], []
        for decoder in decoders:
            decoder.end()


class _Decoder:
    """One process, and the thread that receives from it: a process that cannot even be killed, as one waiting for a
    dead network drive, must not hold up the caller."""

    def __init__(self, limits: Limits, white: float | None) -> None:
        self._limits = limits
        try:
            self._process = child_process.start(
                _PROGRAM,
                str(limits.max_pixels),
                str(limits.seconds),
                "" if white is None else str(white),
                environment={"OPENBLAS_NUM_THREADS": "1"},  # the decoder multiplies no matrices
            )
        except OSError as error:
            raise ImageError(f"cannot start the process that reads photos: {error.strerror}") from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests = self._process.stdin
        self._replies: Queue[Photo | Exception] = Queue()
        threading.Thread(
            target=_receive_all,
            args=(self._process.stdout, limits.max_pixels, self._replies),
            name="decoder replies",
            daemon=True,
        ).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def read(self, path: Path) -> Photo:
        with contextlib.suppress(OSError, ValueError):  # it has ended: so have its replies, which tells below
            self._requests.write(json.dumps(os.fspath(path)).encode("ascii") + b"\n")
            self._requests.flush()
        reply = self._reply()
        if isinstance(reply, ImageError):
            raise reply
        if isinstance(reply, Photo):
            return reply
        reason = self._too_slow() if reply is None else self._crash(reply)
        self.end()
        raise ImageError(f"cannot read {shown(path)}: {reason}")

    def end(self) -> None:
        """Kill the process; it holds nothing worth keeping."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        with contextlib.suppress(OSError):
            self._requests.close()

    def _reply(self) -> Photo | Exception | None:
        """What it answers; None when the time is up."""
        waited = 0.0
        while waited < self._limits.seconds:
            try:
                return self._replies.get(timeout=min(_SLICE, self._limits.seconds - waited))
            except Empty:
                waited += _SLICE
        return None

    def _too_slow(self) -> str:
        return (
            f"it took longer than {self._limits.seconds:g} s (a damaged file, or a slow drive? "
            "--time-limit allows more)"
        )

    def _crash(self, reply: Exception) -> str:
        """Why there is an exception instead of a reply."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.returncode
        if code == -getattr(signal, "SIGALRM", 0):
            return self._too_slow()
        if code == -getattr(signal, "SIGKILL", 0):
            return "its decoder was killed, perhaps because memory ran out; make it smaller, or close other programs"
        how = f"{type(reply).__name__}: {reply}" if code is None else child_process.how_it_ended(self._process)
        return f"its decoder crashed ({how}): the file is damaged or made to do harm; save it anew in another program"


def _receive_all(stream: BinaryIO, max_pixels: int, replies: "Queue[Photo | Exception]") -> None:
    while True:
        try:
            replies.put(receive(stream, max_pixels))
        except ImageError as error:
            replies.put(error)
        except Exception as error:  # noqa: BLE001 - its end, or nonsense: either way nothing more is wanted from it
            replies.put(error)
            stream.close()
            return
