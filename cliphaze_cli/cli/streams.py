"""`-` for standard input and output: one photo in, one photo or map out, by files that nobody sees."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cliphaze_cli.imaging.formats import extension_of_content
from cliphaze_cli.places.look import Look
from cliphaze_cli.places.remote import Place
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.errors import CliphazeError, UsageError

STREAM = Path("-")
_INPUT = Path("standard input")


@dataclass(frozen=True)
class Places:
    """inputs and output as files and folders; `_folder`: where nobody looks, `_spool`: what lies there for standard
    output, or for nobody."""

    inputs: list[Place]
    output: Place | None
    _folder: Path | None = None
    _spool: Path | None = None

    def deliver(self, ending: str = "") -> None:
        """Write to standard output what is meant for it and is there, of several files that with the `ending`."""
        for file in self._spool.iterdir() if self._spool is not None and self._spool.is_dir() else ():
            if file.name.endswith(ending):
                try:
                    with file.open("rb") as stream:
                        shutil.copyfileobj(stream, sys.stdout.buffer)
                    sys.stdout.buffer.flush()
                except OSError as error:
                    raise CliphazeError(f"cannot write the photo to standard output: {error.strerror}") from error

    def view(self, result: FileResult) -> FileResult:
        """A result without the names of files that nobody sees."""
        if self._folder is None:
            return result
        reason = result.reason
        if result.source.parent == self._folder:
            reason = reason and reason.replace(str(result.source), str(_INPUT))
            result = replace(result, source=_INPUT, reason=reason)
        if result.target is not None and result.target.parent == self._spool:
            result = replace(result, target=None, extras=())
        return result


@contextmanager
def places(inputs: Sequence[Place], output: Place | None) -> Iterator[Places]:
    """Within the block standard input is a file, and standard output a folder; without an output, standard input's is
    a folder too, which nobody sees. Raises UsageError for several inputs."""
    if STREAM not in (*inputs, output):
        yield Places(list(inputs), output)
        return
    if len(inputs) != 1 or Look().is_folder(inputs[0]):
        raise UsageError("- stands for one photo: give one INPUT and one OUTPUT with it")
    with tempfile.TemporaryDirectory(prefix="cliphaze-") as name:
        folder = Path(name)
        spool = folder / "output"
        source = _standard_input(folder) if inputs[0] == STREAM else inputs[0]
        if output == STREAM and (sys.stdout is None or sys.stdout.isatty()):
            raise UsageError("standard output is no place for a photo here: send it to a file or a program")
        unseen = output in (None, STREAM)
        yield Places([source], spool if unseen else output, folder, spool if unseen else None)


def _standard_input(folder: Path) -> Path:
    if sys.stdin is None:
        raise UsageError("standard input is closed: give a photo's path instead of -")
    if sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal here: send a photo to it, as in `cat photo.jpg | cliphaze ... -`"
        )
    path = folder / _INPUT
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        with path.open("rb") as file:
            head = file.read(16)
        if not head:
            raise UsageError("standard input is empty: send a photo to it")
        return path.rename(path.with_suffix(extension_of_content(head)))
    except OSError as error:
        raise CliphazeError(f"cannot keep standard input in {folder}: {error.strerror}") from error
