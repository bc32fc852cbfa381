"""Who looks at the page, and which photos are whose. A session is known by a name that cannot be guessed."""

import asyncio
import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cliphaze_cli.system.errors import CliphazeError

MOST_SESSIONS = 200
MOST_PHOTOS = 200  # of one session
SILENCE = 600.0  # seconds after which a page that was not closed properly counts as gone; it speaks every 30


class GoneError(CliphazeError):
    """There is no such session or photo."""


class FullError(CliphazeError):
    """As many as there may be."""


@dataclass(eq=False)
class PagePhoto:
    """A photo that somebody gave.

    folder: all that lies on the disk of it; name: as people know it; source: the upload; saved: the file to download
    that was made last, and its strength.
    """

    folder: Path
    name: str
    source: Path
    saved: tuple[float, Path] | None = None


@dataclass(eq=False)
class Session:
    """One page in one browser. turn: held while one of its photos is handed in, so that nobody fills the queue; busy:
    how many of its requests take time."""

    folder: Path
    photos: dict[str, PagePhoto] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    heard: float = field(default_factory=time.monotonic)
    busy: int = 0
    ended: bool = False

    def new_folder(self) -> tuple[str, Path]:
        """A name for a photo that a request brings, and its folder. Raises FullError."""
        if len(self.photos) + self.busy > MOST_PHOTOS:
            raise FullError(f"there are {MOST_PHOTOS} photos here already: remove some first")
        name = secrets.token_urlsafe(8)
        folder = self.folder / name
        folder.mkdir()
        return name, folder

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Within the block the session does not count as silent. What is written after its end is deleted."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1
            self.heard = time.monotonic()
            if self.ended:
                delete(self.folder)

    def refuse_if_ended(self) -> None:
        """Raises GoneError."""
        if self.ended:
            raise GoneError("this session has ended: load the page again")

    def photo(self, name: str) -> PagePhoto:
        """Raises GoneError."""
        if name not in self.photos:
            raise GoneError("this photo is not here any more: add it again")
        return self.photos[name]

    def remove(self, name: str) -> None:
        """Delete a photo and what was made of it."""
        delete(self.photo(name).folder)
        del self.photos[name]


class Sessions:
    """All of them; their folders lie in one."""

    def __init__(self, folder: Path, silence: float = SILENCE) -> None:
        self._folder, self._silence = folder, silence
        self._sessions: dict[str, Session] = {}

    def open(self) -> str:
        """Begin a session and return its name. Raises FullError."""
        if len(self._sessions) >= MOST_SESSIONS:
            raise FullError("too many people are here at the moment: try again later")
        name = secrets.token_urlsafe(24)
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir()
        self._sessions[name] = Session(folder)
        return name

    def get(self, name: str) -> Session:
        """Raises GoneError."""
        if name not in self._sessions:
            raise GoneError("this session has ended and its photos are deleted: add them again")
        session = self._sessions[name]
        session.heard = time.monotonic()
        return session

    def end(self, name: str) -> None:
        """Forget a session, and delete all that was uploaded and made in it."""
        if (session := self._sessions.pop(name, None)) is not None:
            session.ended = True
            delete(session.folder)

    def end_silent_ones(self) -> None:
        """End those whose page was not heard of for a long time."""
        now = time.monotonic()
        for name, session in list(self._sessions.items()):
            if not session.busy and now - session.heard > self._silence:
                self.end(name)


def delete(folder: Path) -> None:
    """Delete a folder; what cannot be deleted now goes with the server's folder at its end."""
    shutil.rmtree(folder, ignore_errors=True)
