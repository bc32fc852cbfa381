"""The failures that a server on this machine cannot play."""

import errno
from pathlib import Path

import pytest
from huggingface_hub import errors

from cliphaze_cli.hub.failures import Request, explain, explained
from cliphaze_cli.system.errors import HubError

REQUEST = Request("org/net", "main", "model.safetensors", "https://huggingface.co", Path("/cache"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left in /cache"),
        (PermissionError(errno.EACCES, "Permission denied", "/cache/blobs"), "cannot write to /cache/blobs"),
        (PermissionError(errno.EACCES, "Permission denied", "/home/token"), "cannot read the access token /home/token"),
        (OSError("Consistency check failed: file should be of size 9"), "broke off"),
        (RuntimeError("CAS service error\nwith a second line"), "broke off (CAS service error): try again"),
        (errors.LocalEntryNotFoundError("not in the cache"), "could not be asked"),
        (errors.FileMetadataError("no etag"), "does not answer like a Hugging Face Hub"),
        (errors.HFValidationError("Repo id must be in the form"), "not a repository"),
    ],
)
def test_local_and_transfer_failures(error: Exception, expected: str) -> None:
    told = explain(error, REQUEST)
    assert isinstance(told, HubError)
    assert expected in str(told)
    assert "\n" not in str(told)


def test_the_reason_behind_a_wrapped_error_counts() -> None:
    wrapped = errors.LocalEntryNotFoundError("not in the cache")
    wrapped.__cause__ = errors.OfflineModeIsEnabled("offline")
    assert "HF_HUB_OFFLINE is set" in str(explain(wrapped, REQUEST))


def test_programming_errors_pass_unexplained() -> None:
    with pytest.raises(KeyError), explained(REQUEST):
        raise KeyError("a bug")
