"""An S3 store on this machine (moto), which can be told to fail."""

import functools
import io
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from PIL import Image

_CODES = {
    "403": "AccessDenied",
    "412": "PreconditionFailed",
    "500": "InternalError",
    "501": "NotImplemented",
    "503": "ServiceUnavailable",
}
KEY, SECRET = "AKIATESTINGONLY1", "nobody-may-ever-see-this-secret"


class Store:
    """A server in this process. `answer` decides about each request before moto does: by a status, or by waiting."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=_quiet())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.requests: list[str] = []
        self._faults: list[tuple[str, int, Callable[[], str | None]]] = []

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """An empty store again."""
        from moto.s3.models import s3_backends

        s3_backends.reset()
        self._faults.clear()
        for bucket in ("photos", "clear"):
            self.client.create_bucket(Bucket=bucket)
        self.requests.clear()

    @functools.cached_property
    def client(self) -> Any:
        """boto3's, to look and to prepare."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )

    def fail(self, request: str, status: str | None, times: int = 1_000_000, *, wait: float = 0) -> None:
        """Answer requests that begin like this ("PUT /clear/.*") with a status, or late with None."""

        def act() -> str | None:
            time.sleep(wait)
            return status

        self._faults.append((request, times, act))

    def _app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        self.requests.append(request)
        for index, (pattern, times, act) in enumerate(self._faults):
            if times and re.match(pattern, request):
                self._faults[index] = (pattern, times - 1, act)
                status = act()
                if status is not None:
                    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                    return _refusal(status, start_response)
        return self._moto(environ, start_response)

    def put(self, key: str, level: int = 60, size: tuple[int, int] = (40, 30), bucket: str = "photos") -> None:
        """A grey PNG."""
        self.client.put_object(Bucket=bucket, Key=key, Body=png(level, size))

    def names(self, bucket: str = "clear") -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def content(self, key: str, bucket: str = "clear") -> bytes:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def level(self, key: str, bucket: str = "clear") -> float:
        with Image.open(io.BytesIO(self.content(key, bucket))) as image:
            return float(np.asarray(image).mean())


def png(level: int = 60, size: tuple[int, int] = (40, 30)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(stream, "PNG")
    return stream.getvalue()


def _refusal(status: str, start_response: Any) -> list[bytes]:
    code = _CODES[status]
    start_response(f"{status} {code}", [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>{code}, says the test.</Message></Error>".encode()]


def _quiet() -> Any:
    from werkzeug.serving import WSGIRequestHandler

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *arguments: object) -> None:
            pass

    return Quiet
