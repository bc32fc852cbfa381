"""Places by their names: paths of this machine, and URLs of others. Imports nothing heavy, and asks nobody."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeAlias

from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.text import without_credentials

OBJECT_STORES = ("s3", "gs", "az", "abfs", "abfss", "adl", "oss", "oci", "tos")
"""Stores in which folders are only parts of names, and an object appears when its last byte has arrived."""

_READ_ONLY = ("http", "https")
_URL = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.IGNORECASE | re.DOTALL)
_ONE_NAME = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}  # of several for the same, so that equal places are equal


@dataclass(frozen=True, order=True)
class Remote:
    """An object, a file or a folder of another file system, with as much of `pathlib.Path` as names need.

    protocol: "s3". path: what follows `://`, without a slash at its end: "bucket/folder/photo.jpg". It holds no
    credentials, as `parse` takes none, and can be pickled.
    """

    protocol: str
    path: str

    def __str__(self) -> str:
        return f"{self.protocol}://{self.path}"

    def __truediv__(self, below: str | PurePath) -> "Remote":
        relative = below.as_posix() if isinstance(below, PurePath) else below
        return self if relative in ("", ".") else Remote(self.protocol, f"{self.path}/{relative}")

    @property
    def is_object(self) -> bool:
        """Whether it lies in an object store."""
        return self.protocol in OBJECT_STORES

    @property
    def is_writable(self) -> bool:
        """Whether something can be written there at all."""
        return self.protocol not in _READ_ONLY

    @property
    def name(self) -> str:
        """What follows the last slash."""
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The extension, with its dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "Remote":
        """The folder; of a bucket or a host itself."""
        return Remote(self.protocol, self.path.rpartition("/")[0]) if "/" in self.path else self

    @property
    def root(self) -> "Remote":
        """The bucket."""
        return Remote(self.protocol, self.path.partition("/")[0])

    def is_in(self, folder: "Remote") -> bool:
        """Whether it lies below a folder, however deep."""
        return self.protocol == folder.protocol and self.path.startswith(f"{folder.path}/")

    def with_name(self, name: str) -> "Remote":
        """Another name in the same folder."""
        return self.parent / name


Place: TypeAlias = Path | Remote


def on_disk(place: Place) -> Path:
    """The path of a place that is known to be on this machine."""
    assert isinstance(place, Path), f"{place} is elsewhere"
    return place


def parse(text: str) -> Place:
    """Return the place that a path or a URL names.

    Raises UsageError for URLs of this machine's own files, for those that name no bucket or host, and for those that
    hold credentials: they would end in reports and lists of processes.
    """
    match = _URL.fullmatch(text)
    if match is None:
        return Path(text)
    protocol, path = match[1].lower(), match[2]
    protocol = _ONE_NAME.get(protocol, protocol)
    shown = without_credentials(text)
    if protocol in ("file", "local"):
        raise UsageError(f"{shown} lies on this machine: give its path, without {protocol}://")
    authority = path.partition("/")[0]
    if ":" in authority.rpartition("@")[0]:
        raise UsageError(f"a URL must not hold a password ({shown}): give it by the environment, as docs/cloud.md says")
    if re.search(r"\?[^/]*=", path):
        raise UsageError(f"a URL must not hold a query or a signature ({shown}): leave out what follows the ?")
    if not path.strip("/"):
        raise UsageError(f"{shown} names no bucket and no folder: write {protocol}://BUCKET/FOLDER")
    return Remote(protocol, path.rstrip("/"))
