"""Objects kept in a temporary file, for lists that could grow beyond the memory."""

import pickle
import tempfile
import weakref
import zlib
from typing import Any

from cliphaze_cli.system.errors import UsageError

_IN_MEMORY = 2**20  # bytes, beyond which there is a file
_LENGTH = 8  # bytes of a record's length, before it


class TemporaryStore:
    """Gives a number for each object that is put in, and the object back for its number.

    The file has no name, so that nobody else reads it, and is gone with the process.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self._file.close)
        self._end = 0

    def put(self, value: object) -> int:
        """Keep what can be pickled. Raises UsageError where the temporary folder is full."""
        content = zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)
        place = self._end
        try:
            self._file.seek(place)
            self._file.write(len(content).to_bytes(_LENGTH, "big") + content)
        except OSError as error:
            folder = tempfile.gettempdir()
            raise UsageError(
                f"cannot keep the list of photos in {folder}: {error.strerror}; make room there, or set TMPDIR"
            ) from error
        self._end += _LENGTH + len(content)
        return place

    def get(self, place: int) -> Any:
        """What was put in as this number."""
        self._file.seek(place)
        length = int.from_bytes(self._file.read(_LENGTH), "big")
        return pickle.loads(zlib.decompress(self._file.read(length)))
