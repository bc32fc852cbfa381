"""Serve the page until somebody ends it; then nothing is left of what was uploaded."""

import contextlib
import ipaddress
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from cliphaze_cli.batch.interruption import noted_interruptions
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.system.errors import UsageError

if TYPE_CHECKING:
    import uvicorn

    from cliphaze_cli.web.desk import Desk

_PATIENCE = 1  # second that requests get when the server ends


def serve(
    options: WorkOptions,
    host: str,
    port: int,
    ready: Callable[[str, str], object],
    *,
    hosts: Collection[str] = (),
    embedders: Sequence[str] = (),
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    Args:
        options: how photos are worked on; see `web.jobs.load`. port: 0 takes a free one.
        ready: called with the page's address and what works on photos, when both are there.
        hosts: further names by which browsers may ask for the page. embedders: origins that may show it in a frame.

    Raises:
        UsageError: the address cannot be used. CliphazeError: photos cannot be worked on as asked.
    """
    import uvicorn

    from cliphaze_cli.web.application import application
    from cliphaze_cli.web.desk import Desk
    from cliphaze_cli.web.folder import uploads_folder

    with _listening(host, port) as listener, uploads_folder() as folder, Desk(options) as desk:
        own = () if is_loopback(host) else (host, socket.gethostname())
        app = application(desk, folder, options.limits, hosts=(*own, *hosts), embedders=embedders)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=_PATIENCE,
        )

        ready(_address(host, listener.getsockname()[1]), desk.prepared.label)
        with noted_interruptions() as interruptions:
            _server(config, desk, interruptions).run(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def show_in_browser(address: str) -> None:
    """Open the page where there is a screen; whether that works is nobody's trouble: the address was printed."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return  # what Python finds there are browsers that take the terminal
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _server(config: "uvicorn.Config", desk: "Desk", interruptions: Callable[[], int]) -> "uvicorn.Server":
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Uvicorn's own way raises them once more at its end, and SIGTERM would leave the uploads behind."""
            yield

        async def on_tick(self, counter: int) -> bool:
            return await super().on_tick(counter) or interruptions() > 0

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Whoever waits for a photo is answered; requests that come to no end are cut off without complaint."""
            desk.end()
            logging.getLogger("uvicorn.error").disabled = True
            await super().shutdown(sockets)

    return Server(config)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name != "nt":  # where it would let two servers have the same port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot serve at {host} port {port}: {reason}; choose another --port or --host") from error


def _address(host: str, port: int) -> str:
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
