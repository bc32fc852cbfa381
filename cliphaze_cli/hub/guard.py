"""What a faulty or hostile server may not do: send without end, drip, or choose where the client writes."""

import importlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cliphaze_cli.hub.failures import Request, broke_off, not_a_hub
from cliphaze_cli.system.errors import HubError

PATIENCE = 60.0  # seconds over which a download must make progress; complete silence ends earlier, by the client's own
SLOWEST = 1_000  # bytes a second
SMALL = 10_000_000  # bytes that any answer may have: errors have bodies too
LARGEST = {"cliphaze": 2_000_000_000, "clip": 20_000_000_000}  # bytes; where only the server tells a file's size
_HARMLESS = re.compile(r"\w[\w.-]{0,255}")  # as a file name
_NAMED_BY = ("ETag", "X-Linked-ETag", "X-Xet-Hash", "X-Repo-Commit")


@contextmanager
def guarded(request: Request, size: int = 0) -> Iterator[None]:
    """Within the block the Hub client's requests end with a HubError where an answer is hostile or hopeless.

    That is: identifiers that are no plain names, as the client makes paths of them; more than `size` bytes (or SMALL,
    whichever is more); hardly any progress. Xet's transfers do not pass here: they know size and pieces beforehand. As
    its headers name the hosts that get tokens, the Hub itself is the only one that may ask for Xet.
    """
    from huggingface_hub import get_session

    session = get_session()
    meter = _Meter(request, max(size, SMALL))

    def check(response: Any) -> None:
        if not _is_the_hub(response.url):
            response.headers.pop("X-Xet-Hash", None)  # without it the client knows of no Xet
        for header in _NAMED_BY:
            value = response.headers.get(header)
            if value is not None and not _HARMLESS.fullmatch(value.lstrip("W/").strip('"')):
                raise HubError(not_a_hub(request))
        meter.start(resumed=response.status_code == 206)
        response.stream = metered(response.stream, meter.count)

    metered = _metered_stream(type(session).__module__.partition(".")[0])
    hooks = session.event_hooks["response"]
    hooks.append(check)
    try:
        yield
    finally:
        hooks.remove(check)


def _is_the_hub(url: Any) -> bool:
    from huggingface_hub import constants

    return url.scheme == "https" and f"https://{url.host}" == constants.HUGGINGFACE_CO_URL_HOME.rstrip("/")


class _Meter:
    """Counts what arrives as the client does: a body that resumes (HTTP 206) is appended, any other begins anew."""

    def __init__(self, request: Request, limit: int) -> None:
        self._request, self._limit, self._received = request, limit, 0
        self.start(resumed=False)

    def start(self, *, resumed: bool) -> None:
        if not resumed:
            self._received = 0
        self._window, self._window_received = time.monotonic(), self._received

    def count(self, size: int) -> None:
        """Note that `size` bytes arrived; raise HubError where it is time to give up."""
        self._received += size
        if self._received > self._limit:
            raise HubError(broke_off(self._request, "the server sends more than it announced"))
        if time.monotonic() - self._window >= PATIENCE:
            if self._received - self._window_received < SLOWEST * PATIENCE:
                raise HubError(broke_off(self._request, f"less than {SLOWEST:,} bytes a second arrive"))
            self._window, self._window_received = time.monotonic(), self._received


def _metered_stream(http_library: str) -> Callable[[Any, Callable[[int], None]], Any]:
    """A body that calls `count` for each of its pieces; a class of the HTTP library that the Hub client uses.

    Knowing the size beforehand is not enough: the Hub client writes whatever arrives and compares sizes at the end,
    so a server that sends without end would fill the disk.
    """
    base = importlib.import_module(http_library).SyncByteStream

    class Metered(base):  # type: ignore[misc, valid-type]
        def __init__(self, body: Any, count: Callable[[int], None]) -> None:
            self._body, self._count = body, count

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._body:
                self._count(len(piece))
                yield piece

        def close(self) -> None:
            self._body.close()

    return Metered
