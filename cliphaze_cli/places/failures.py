"""What goes wrong with remote places, in one line that says what to do. Errors are known by name: nothing is imported
for it."""

import errno
import re

from cliphaze_cli.places.remote import Remote
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.text import without_credentials

_NO_CREDENTIALS = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
    "UnauthorizedSSOTokenError", "ProfileNotFound", "DefaultCredentialsError",
}  # fmt: skip
_TIMEOUTS = {"ConnectTimeoutError", "ReadTimeoutError", "FSTimeoutError", "TimeoutError", "ServerTimeoutError"}
_UNREACHABLE = {
    "EndpointConnectionError", "ConnectionError", "ClientConnectorError", "ConnectionClosedError", "HTTPClientError",
    "ClientConnectorDNSError", "gaierror", "NoValidConnectionsError", "ServiceRequestError",
}  # fmt: skip
_REFUSED = {"AuthenticationException"}  # paramiko's, which is no PermissionError
_BUSY = (errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EIO))  # 503 and 500, as s3fs translates them
_WHERE_CREDENTIALS_COME_FROM = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or log in with gcloud",
    "az": "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


def explained(error: BaseException, place: Remote, doing: str, failure: type[CliphazeError]) -> CliphazeError:
    """Return `failure` with one line for an error of a file system; doing: "fetch"."""
    return failure(f"cannot {doing} {_shown(place)}: {_why(error, place)}")


def is_busy(error: BaseException) -> bool:
    """Whether a store said to come back later."""
    return (isinstance(error, OSError) and error.errno in _BUSY) or _code(error) == "ConditionalRequestConflict"


def no_bucket(error: BaseException) -> bool:
    """Whether an error says that the whole bucket is missing."""
    return _code(error) == "NoSuchBucket"


def is_taken(error: BaseException) -> bool:
    """Whether S3 refused a put because the object exists; not every store says it as Amazon does."""
    return isinstance(error, FileExistsError) or _code(error) == "PreconditionFailed"


def _why(error: BaseException, place: Remote) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    text = _one_line(str(error))
    said = f" ({text})" if text else ""
    at = re.search(r"https?://[^/\s\"'@]+", text)
    credentials = _WHERE_CREDENTIALS_COME_FROM.get(place.protocol, "docs/cloud.md says how to give them")
    no_space = isinstance(error, OSError) and error.errno == errno.ENOSPC
    reasons = (
        (no_bucket(error), f"there is no bucket {place.root.path}; create it first, or check the URL and the endpoint"),
        (isinstance(error, FileNotFoundError), "there is no such object; check the URL, or was it deleted meanwhile?"),
        (names & _NO_CREDENTIALS, f"no credentials were found{said}; {credentials}"),
        (
            isinstance(error, PermissionError) or names & _REFUSED,
            f"the store refuses it{said}; check the credentials in the environment and what they permit",
        ),
        (names & _TIMEOUTS, "the store does not answer; check the network and the endpoint, and try again"),
        (
            names & _UNREACHABLE,
            f"the store{f' at {at[0]}' if at else ''} cannot be reached; check the network and the endpoint",
        ),
        (no_space, "no space left in the folder of temporary files; free some, or name another by TMPDIR"),
        (is_busy(error), f"the store is busy or out of order, also when asked again{said}; try again later"),
    )
    return next(
        (why for holds, why in reasons if holds), f"{text or type(error).__name__}; check the URL and try again"
    )


def _code(error: BaseException | None) -> str | None:
    """S3's name for it, from the error or what caused it."""
    if error is None:
        return None
    response = getattr(error, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, dict) else _code(error.__cause__)


def _one_line(text: str) -> str:
    return " ".join(without_credentials(text).split()).rstrip(".")


def _shown(place: Remote) -> str:
    text = str(place)
    return text if text.isprintable() else ascii(text)
