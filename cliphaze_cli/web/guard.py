"""Only the page itself may use the server: not another site in the same browser, under whatever name it calls it.

A site whose name it lets lead to 127.0.0.1 (DNS rebinding) is told apart by the header Host, one that sends forms or
scripts here by Origin. Addresses in figures are no names, and cannot be rebound.
"""

from collections.abc import Collection, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ONLY_LOOKS = ("GET", "HEAD")


class Guard:
    """Around an application: refuses what comes from elsewhere, and tells browsers to load nothing from elsewhere."""

    def __init__(self, app: ASGIApp, names: Collection[str] = (), embedders: Sequence[str] = ()) -> None:
        """names: of this machine, besides localhost. embedders: origins that may show the page in a frame."""
        self._app = app
        self._names = {"localhost", *(name.lower() for name in names)}
        self._headers = _headers(embedders)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        why = self._refusal(scope["method"], Headers(scope=scope))
        app = self._app if why is None else JSONResponse({"error": why}, status_code=403)
        await app(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return "this server does not go by that name: use the address that `cliphaze web` printed"
        if method in _ONLY_LOOKS:
            return None
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if foreign if origin is None else urlsplit(origin).netloc.lower() != host.lower():
            return "only the page itself may do that, not another site"
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            if name in self._names:
                return True
            ip_address(name)
        except ValueError:
            return False
        return True


def _headers(embedders: Sequence[str]) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(embedders) or "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
