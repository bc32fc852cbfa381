"""`-` for standard input and output: one photo in, one photo out, by files that nobody sees."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.imaging.formats import extension_of_content
from cliphaze_cli.places.look import Look
from cliphaze_cli.places.remote import Place
from cliphaze_cli.system.errors import CliphazeError, UsageError

STREAM = Path("-")


@dataclass(frozen=True)
class Places:
    """inputs and output as files and folders; `_spool`: where what is meant for standard output comes to lie."""

    inputs: list[Place]
    output: Place
    _spool: Path | None = None

    def deliver(self) -> None:
        """Write the photo to standard output, if that is where it belongs and it is there."""
        for photo in self._spool.iterdir() if self._spool is not None and self._spool.is_dir() else ():
            try:
                with photo.open("rb") as stream:
                    shutil.copyfileobj(stream, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except OSError as error:
                raise CliphazeError(f"cannot write the photo to standard output: {error.strerror}") from error


@contextmanager
def places(inputs: Sequence[Place], output: Place) -> Iterator[Places]:
    """Within the block standard input is a file, and standard output a folder. Raises UsageError for several inputs."""
    if STREAM not in (*inputs, output):
        yield Places(list(inputs), output)
        return
    if len(inputs) != 1 or Look().is_folder(inputs[0]):
        raise UsageError("- stands for one photo: give one INPUT and one OUTPUT with it")
    with tempfile.TemporaryDirectory(prefix="cliphaze-") as folder:
        spool = Path(folder, "output")
        source = _standard_input(Path(folder)) if inputs[0] == STREAM else inputs[0]
        if output == STREAM:
            if sys.stdout is None or sys.stdout.isatty():
                raise UsageError("standard output is no place for a photo here: send it to a file or a program")
            yield Places([source], spool, spool)
        else:
            yield Places([source], output)


def _standard_input(folder: Path) -> Path:
    if sys.stdin is None:
        raise UsageError("standard input is closed: give a photo's path instead of -")
    path = folder / "standard input"
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        with path.open("rb") as file:
            extension = extension_of_content(file.read(16))
        return path.rename(path.with_suffix(extension))
    except OSError as error:
        raise CliphazeError(f"cannot keep standard input in {folder}: {error.strerror}") from error
