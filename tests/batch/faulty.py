"""Tools for worker processes with the faults of real decoders and networks, by the name of the photo."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from cliphaze_cli.batch.options import Product, WorkOptions
from cliphaze_cli.imaging import files
from cliphaze_cli.imaging.limits import CheckSize
from cliphaze_cli.imaging.photo import Photo
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import WeightsError


class Unchanged:
    """Writes what was read, and leaves the number of its process beside it."""

    quality: int | None = None
    label = "nothing"

    def __init__(self) -> None:
        self.used: dict[str, Any] = {"model": "stand-in", "clip": None}

    def __call__(self, photo: Photo) -> Product:
        return Product(photo.pixels, None, {"density_mean": 0.5, "density_source": "model"})


def load(options: WorkOptions, notice: Callable[[str], object]) -> Unchanged:
    """Patch this process so that photos do harm when they are decoded."""
    assert isinstance(options.settings, Settings)
    if options.settings.model == "none":
        raise WeightsError("there are no such weights: choose others")
    if options.settings.model == "broken":
        raise ZeroDivisionError("nobody expects this")
    if options.settings.model == "deadly" or Path("no more workers").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    notice("using a stand-in")
    real = files._decode

    def decode(stream: BinaryIO, check_size: CheckSize, white: float | None) -> Photo:
        harm = _HARMS.get(Path(stream.name).stem.split("-")[0])
        if harm is not None:
            harm()
        return real(stream, check_size, white)

    files._decode = decode
    return Unchanged()


def _last_straw() -> None:
    Path("no more workers").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def _bug() -> None:
    raise ZeroDivisionError("nobody expects this")


def _loud() -> None:
    os.write(1, b"A" * 100_000)
    os.write(2, b"a complaint of libtiff")


_HARMS: dict[str, Callable[[], object]] = {
    "crash": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(7),
    "vanish": lambda: os._exit(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: ctypes.PyDLL(None).sleep(1000),  # PyDLL keeps the interpreter's lock, as C code does
    "greedy": lambda: bytearray(8 << 30),
    "loud": _loud,
    "slow": lambda: time.sleep(0.5),
    "bug": _bug,
    "last straw": _last_straw,
}
