"""What can go wrong between here and the Hub, each as one line with the next step."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cliphaze_cli.system.errors import HubError
from cliphaze_cli.system.text import first_line, one_line


class HubUnreachableError(HubError):
    """No answer from the Hub, or none wanted (offline mode): a copy in the cache is as good as it gets."""


@dataclass(frozen=True)
class Request:
    """What was asked for, as messages name it. endpoint: the Hub's address; cache: the folder written to."""

    repo: str
    revision: str
    file: str
    endpoint: str
    cache: Path

    @property
    def page(self) -> str:
        """The repository's page."""
        return f"{self.endpoint}/{self.repo}"


@contextmanager
def explained(request: Request) -> Iterator[None]:
    """Turn what huggingface_hub raises inside the block into a one-line HubError; other exceptions pass.

    Raises:
        HubError: of the kind that `explain` found.
    """
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        known = explain(error, request)
        if known is None:
            raise
        raise known from error


def explain(error: BaseException, request: Request) -> HubError | None:
    """The HubError that says what `error` means for `request`, or None when it is no failure of the Hub's side."""
    for kinds, tell in _table():
        if isinstance(error, kinds):
            told = tell(error, request)
            return HubError(one_line(told)) if isinstance(told, str) else told
    return None


def _table() -> list[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any, Request], Any]]]:
    # In this order: a gated repository's error is also a missing repository's, and nearly all are OSErrors.
    from huggingface_hub import errors

    # huggingface_hub has changed its HTTP library between versions; the base of its own HTTP error is what both share.
    http_errors = tuple(base for base in errors.HfHubHTTPError.__bases__ if base is not OSError)
    return [
        (errors.OfflineModeIsEnabled, _offline),
        (errors.GatedRepoError, _gated),
        (errors.RepositoryNotFoundError, _no_repository),
        (errors.RevisionNotFoundError, _no_revision),
        (errors.RemoteEntryNotFoundError, _no_file),
        (errors.DisabledRepoError, lambda _, request: f"{request.page} has been disabled by the Hub or its author"),
        (errors.LocalEntryNotFoundError, _by_cause),
        (errors.FileMetadataError, lambda _, request: not_a_hub(request)),
        (errors.HfHubHTTPError, _refused),
        (errors.HFValidationError, lambda error, _: f"not a repository or file of the Hub: {error}"),
        (http_errors, _unreachable),
        (OSError, _storing),
        (RuntimeError, _transfer),
        (ValueError, _by_cause),
    ]


def not_a_hub(request: Request) -> str:
    """The server answers, but not as a Hub does."""
    return f"{request.endpoint} does not answer like a Hugging Face Hub: check HF_ENDPOINT, proxy and firewall"


def broke_off(request: Request, reason: str) -> str:
    """The download began and did not end well."""
    return f"the download of {request.repo}/{request.file} broke off ({reason}): try again"


def _offline(_: Exception, request: Request) -> HubError:
    return HubUnreachableError(
        f"HF_HUB_OFFLINE is set and {request.repo} is not in {request.cache}: unset it to download, "
        "or copy the cache folder from a machine that has the file"
    )


def _gated(_: Exception, request: Request) -> str:
    return (
        f"access to {request.repo} is restricted: accept its terms at {request.page}, "
        "then log in with `hf auth login` (or set HF_TOKEN) and try again"
    )


def _no_repository(_: Exception, request: Request) -> str:
    return (
        f"there is no repository {request.repo} on {request.endpoint}, or it is private: check the name, "
        "and log in with `hf auth login` if it is private"
    )


def _no_revision(_: Exception, request: Request) -> str:
    return (
        f"{request.repo} has no revision {request.revision!r}: see {request.page}/commits/main, or leave --revision out"
    )


def _no_file(_: Exception, request: Request) -> str:
    return f"{request.repo} has no file {request.file} at revision {request.revision}: see {request.page}/tree/main"


def _refused(error: Any, request: Request) -> HubError | str:
    status = error.response.status_code
    if status in (401, 403):
        return (
            f"{request.endpoint} refuses access to {request.repo} (HTTP {status}): check the access token "
            "(HF_TOKEN, or `hf auth login`) and its rights"
        )
    if status == 429:
        return f"{request.endpoint} limits the rate of requests (HTTP 429): try again later, or `hf auth login`"
    if status >= 500:
        return HubUnreachableError(f"{request.endpoint} is in trouble (HTTP {status}): try again later")
    reason = one_line(error.server_message or "no reason given")
    return f"{request.endpoint} refused {request.repo}/{request.file} (HTTP {status}, {reason})"


def _unreachable(error: Exception, request: Request) -> HubError:
    kind = type(error).__name__
    if kind in ("RemoteProtocolError", "ReadError", "ReadTimeout"):  # the same names in every HTTP library it has used
        return HubUnreachableError(one_line(_transfer(error, request)))
    reason = one_line(str(error)) or kind
    return HubUnreachableError(
        f"cannot reach {request.endpoint} ({reason}): check the connection, the proxy and HF_ENDPOINT, then try again"
    )


def _storing(error: OSError, request: Request) -> str:
    if error.errno is None or type(error).__module__.startswith("hf_xet"):
        return _transfer(error, request)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left in {request.cache}: free some, or choose another folder with --cache-dir or HF_HOME"
    at_token = error.filename is not None and os.path.basename(error.filename) == "token"  # noqa: PTH119 - or bytes
    if at_token and not isinstance(error, NotADirectoryError):  # else it is the cache's folder that is none
        return f"cannot read the access token {error.filename} ({error.strerror}): correct that, or set HF_HOME"
    return (
        f"cannot write to {error.filename or request.cache} ({error.strerror}): "
        "correct that, or choose another folder with --cache-dir or HF_HOME"
    )


def _transfer(error: Exception, request: Request) -> str:
    return broke_off(request, first_line(str(error)) or type(error).__name__)


def _by_cause(error: Exception, request: Request) -> HubError | None:
    # huggingface_hub wraps the reason: "no local file, and the Hub could not be asked" from a connection error.
    if error.__cause__ is not None:
        return explain(error.__cause__, request)
    if isinstance(error, FileNotFoundError):
        return HubUnreachableError(
            f"{request.repo} is not in {request.cache}, and {request.endpoint} could not be asked"
        )
    return None
