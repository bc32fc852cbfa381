"""The page as an ASGI application: what it shows, and the few requests that it makes. docs/web.md lists them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from cliphaze_cli.imaging.density_label import density_label
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult, explain
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.web import names, pictures, upload
from cliphaze_cli.web.desk import Desk
from cliphaze_cli.web.guard import Guard
from cliphaze_cli.web.jobs import Look, Save
from cliphaze_cli.web.sessions import FullError, GoneError, PagePhoto, Session, Sessions, delete

STATIC = Path(__file__).parent / "static"
_SWEEP = 30.0  # seconds between looks for sessions that fell silent
_STATUS: dict[type[Exception], int] = {GoneError: 404, upload.TooLargeError: 413, FullError: 429, CliphazeError: 422}


class _PhotoError(CliphazeError):
    """A photo that cannot be worked on, or a request that makes no sense."""


class Page:
    """Answers requests: each photo lies in a session, whose name whoever asks has to know."""

    def __init__(self, desk: Desk, sessions: Sessions, limits: Limits) -> None:
        self._desk, self._sessions, self._limits = desk, sessions, limits

    def routes(self) -> list[Route]:
        """All but the page's own files."""
        session = "/sessions/{session}"
        photo = f"{session}/photos/{{photo}}"
        return [
            Route("/sessions", self.open, methods=["POST"]),
            Route(session, self.hear, methods=["POST"]),
            Route(f"{session}/end", self.end, methods=["POST"]),
            Route(f"{session}/photos", self.add, methods=["POST"]),
            Route(photo, self.remove, methods=["DELETE"]),
            Route(f"{photo}/file", self.save, methods=["POST"]),
            Route(f"{photo}/file", self.download),
            Route(f"{photo}/{{picture}}", self.picture),
        ]

    async def open(self, request: Request) -> Response:
        """A page was loaded."""
        return JSONResponse(
            {
                "session": self._sessions.open(),
                "label": self._desk.prepared.label,
                "megapixels": self._limits.max_pixels / 1e6,
                "density": density_label(None),
            }
        )

    async def hear(self, request: Request) -> Response:
        """The page is still there."""
        self._session(request)
        return Response(status_code=204)

    async def end(self, request: Request) -> Response:
        """The page was closed."""
        self._sessions.end(request.path_params["session"])
        return Response(status_code=204)

    async def add(self, request: Request) -> Response:
        """A photo, as the body of the request; `name` is its name. Answers when it has been dehazed."""
        session, name = self._session(request), names.plain(request.query_params.get("name", ""))
        if (why := names.refusal(name)) is not None:
            raise _PhotoError(why)
        with session.at_work():
            key, result = await self._add(request, session, name)
        width, height = result.size or (0, 0)
        return JSONResponse(
            {
                "photo": key,
                "name": name,
                "width": width,
                "height": height,
                "shown": result.details["shown"],
                "density_mean": result.details["density_mean"],
                "notices": result.notices,
                "download": names.of_download(name),
            }
        )

    async def remove(self, request: Request) -> Response:
        """A photo is no longer wanted."""
        self._session(request).remove(request.path_params["photo"])
        return Response(status_code=204)

    async def picture(self, request: Request) -> Response:
        """One of the small pictures."""
        photo, name = self._photo(request), request.path_params["picture"]
        if name not in pictures.NAMES:
            raise GoneError(f"there is no such picture: {', '.join(pictures.NAMES)} are")
        return FileResponse(photo.folder / name)

    async def save(self, request: Request) -> Response:
        """Make the file of a photo at `strength`; answers when it can be downloaded."""
        session, photo, strength = self._session(request), self._photo(request), _strength(request)
        target = photo.folder / f"{strength!r}{Path(names.of_download(photo.name)).suffix}"
        notices: Sequence[str] = ()
        if photo.saved != (strength, target):
            if photo.saved is not None:  # one at a time is enough, and bounds the disk
                with contextlib.suppress(OSError):  # Windows, while it is downloaded
                    photo.saved[1].unlink()
                photo.saved = None
            with session.at_work():
                result = await self._work(request, session, photo, Save(photo.source, target, strength=strength))
            photo.saved = (strength, target)
            notices = result.notices
        return JSONResponse({"download": names.of_download(photo.name), "notices": notices})

    async def download(self, request: Request) -> Response:
        """The file that `save` made."""
        photo, strength = self._photo(request), _strength(request)
        if photo.saved is None or photo.saved[0] != strength:
            raise GoneError("this file is not made yet, or was replaced by that of another strength: make it first")
        name = names.of_download(photo.name)
        return FileResponse(photo.saved[1], filename=name, media_type="application/octet-stream")

    def _session(self, request: Request) -> Session:
        return self._sessions.get(request.path_params["session"])

    def _photo(self, request: Request) -> PagePhoto:
        return self._session(request).photo(request.path_params["photo"])

    async def _add(self, request: Request, session: Session, name: str) -> tuple[str, FileResult]:
        """The name of a photo that the request brings, once it is looked at; what fails leaves nothing."""
        key, folder = session.new_folder()
        photo = PagePhoto(folder, name, folder / names.on_disk(name))
        try:
            await upload.receive(request.stream(), photo.source, self._limits, name)
            result = await self._work(request, session, photo, Look(photo.source, folder / "shown"))
        except BaseException:
            delete(folder)
            raise
        session.photos[key] = photo
        return key, result

    async def _work(self, request: Request, session: Session, photo: PagePhoto, job: Look | Save) -> FileResult:
        """Have a job done when it is its turn. Raises CliphazeError with one line for the page where that fails;
        ClientDisconnect if the page is gone before its turn, and then nothing is done."""
        async with session.turn:
            if await request.is_disconnected():
                raise ClientDisconnect
            session.refuse_if_ended()
            handed = self._desk.hand_in(job)
            future = asyncio.wrap_future(handed)
            gone = asyncio.ensure_future(_disconnected(request))
            either: set[asyncio.Future[Any]] = {future, gone}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if not future.done() and handed.cancel():
                raise ClientDisconnect
            result = await future
        session.refuse_if_ended()
        if result.status != "done":
            raise _PhotoError(names.told(result.reason or "it failed", photo.source, photo.name))
        return result


def application(
    desk: Desk, folder: Path, limits: Limits, *, hosts: Collection[str] = (), embedders: Sequence[str] = ()
) -> ASGIApp:
    """The page and its server side. folder: for uploads; hosts, embedders: see `Guard`."""
    sessions = Sessions(folder)
    page = Page(desk, sessions, limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(sessions))
        yield
        sweeping.cancel()

    app = Starlette(
        routes=[*page.routes(), Mount("/", StaticFiles(directory=STATIC, html=True))],
        lifespan=lifespan,
        exception_handlers={CliphazeError: _tell, OSError: _tell, ClientDisconnect: _say_nothing},
    )
    return Guard(app, hosts, embedders)


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(_SWEEP)
        sessions.end_silent_ones()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _strength(request: Request) -> float:
    text = request.query_params.get("strength", "1")
    try:
        strength = float(text)
    except ValueError:
        strength = -1.0
    if not 0 <= strength <= 1:
        raise _PhotoError(f"strength must lie between 0 (nothing) and 1 (all haze), not {text[:20]!r}")
    return strength


def _tell(request: Request, error: Exception) -> Response:
    line = str(error) if isinstance(error, CliphazeError) else f"the server's disk: {explain(error)[0]}"
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 507)
    return JSONResponse({"error": line}, status_code=status)


def _say_nothing(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it
