"""A stand-in for the Hugging Face Hub on 127.0.0.1, and child processes that use it.

The Hub client reads its settings when it is imported, hence the child processes.
"""

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_ROUTE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>[^?]+)")


@dataclass
class Served:
    """A file as the server sends it. content decides ETag and announced length; body is what is sent instead of it.

    announced: another length for HEAD. get_refusal: status of every GET. location: where HEAD and GET redirect to.
    stream: what GET does instead of sending a body of announced length; it gets the handler.
    """

    content: bytes
    body: bytes | None = None
    etag: str | None = None
    announced: int | None = None
    get_refusal: int | None = None
    location: str | None = None
    stream: Callable[[BaseHTTPRequestHandler], None] | None = None
    headers: dict[str, str] = field(default_factory=dict)  # more of them
    breaks_off_at: list[int] = field(default_factory=list)  # each GET uses one up and closes after that many bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Repo:
    """files by name; revisions that exist besides COMMIT; refusal: (status, X-Error-Code) of every request."""

    files: dict[str, Served]
    revisions: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    refusal: tuple[int, str] | None = None


class FakeHub:
    """A server in a thread, used as a context manager; `requests` lists (method, path, Authorization)."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub._answer(self)

            def do_GET(self) -> None:
                hub._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FakeHub":
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append((handler.command, handler.path, handler.headers.get("Authorization")))
        route = _ROUTE.fullmatch(handler.path)
        repo = self.repos.get(route["repo"]) if route else None
        if route is None or repo is None:
            return _refuse(handler, 404, "RepoNotFound")
        if repo.refusal is not None:
            return _refuse(handler, *repo.refusal)
        revision = route["revision"]
        commit = repo.revisions.get(revision, revision if revision in {COMMIT, *repo.revisions.values()} else None)
        if commit is None:
            return _refuse(handler, 404, "RevisionNotFound")
        if route["file"] not in repo.files:
            return _refuse(handler, 404, "EntryNotFound", commit)
        _send(handler, repo.files[route["file"]], commit)


def _refuse(handler: BaseHTTPRequestHandler, status: int, code: str, commit: str | None = None) -> None:
    handler.send_response(status)
    if code:
        handler.send_header("X-Error-Code", code)
    if commit:
        handler.send_header("X-Repo-Commit", commit)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _send(handler: BaseHTTPRequestHandler, served: Served, commit: str) -> None:
    head = handler.command == "HEAD"
    if not head and served.get_refusal is not None:
        return _refuse(handler, served.get_refusal, "", commit)
    body = served.content if head or served.body is None else served.body
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    start = int(asked[1]) if asked else 0
    handler.send_response(302 if served.location is not None else 206 if asked else 200)
    handler.send_header("ETag", f'"{served.etag or served.sha256}"')
    handler.send_header("X-Repo-Commit", commit)
    for name, value in served.headers.items():
        handler.send_header(name, value)
    if served.location is not None:
        handler.send_header("Location", served.location)
        handler.send_header("X-Linked-Size", str(len(served.content)))
        handler.send_header("X-Linked-ETag", f'"{served.etag or served.sha256}"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    if served.stream is not None and not head:
        handler.end_headers()  # without a length: the body ends when the connection does
        with contextlib.suppress(OSError):  # the client has had enough
            served.stream(handler)
        return
    if asked:
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    handler.send_header("Content-Length", str(served.announced if head and served.announced else len(body) - start))
    handler.send_header("Accept-Ranges", "bytes")
    handler.end_headers()
    if not head:
        end = start + served.breaks_off_at.pop(0) if served.breaks_off_at else len(body)
        handler.wfile.write(body[start:end])


def child_environment(home: Path, endpoint: str, registry: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of a machine whose Hub is `endpoint` and whose cache is below `home`."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "CLIPHAZE_"))}
    settings = {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    if registry is not None:
        settings["CLIPHAZE_REGISTRY"] = str(registry)
    return {**inherited, **settings, **more}


def cliphaze(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command line in a child process."""
    command = [sys.executable, "-m", "cliphaze_cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def write_registry(path: Path, *entries: dict[str, Any]) -> Path:
    """A registry file with these entries."""
    path.write_text(json.dumps({"format": 1, "weights": entries}), encoding="utf-8")
    return path


def clip_record(served: Served, **more: Any) -> dict[str, Any]:
    """A registry record of a pinned CLIP model, at org/clip."""
    record = {
        "name": "ViT-Test:openai",
        "kind": "clip",
        "default": True,
        "repo": "org/clip",
        "revision": COMMIT,
        "file": "open_clip_model.safetensors",
        "size": len(served.content),
        "sha256": served.sha256,
        "licence": "MIT",
        "open_clip_model": "ViT-Test",
        "open_clip_pretrained": "openai",
    }
    return {**record, **more}
