"""Packages that are missing, and errors of file systems in one line."""

import errno
import subprocess
import sys
from typing import Any

import pytest

from cliphaze_cli.places import failures
from cliphaze_cli.places.filesystem import asked, opened
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.system.errors import ImageError, UsageError

PHOTO = Remote("s3", "bucket/a.jpg")


@pytest.mark.parametrize(
    ("protocol", "missing", "install"),
    [
        ("s3", "fsspec", 'pip install "cliphaze[cloud]"'),
        ("s3", "s3fs", 'pip install "cliphaze[cloud]"'),
        ("gs", "gcsfs", 'pip install "cliphaze[cloud]" gcsfs'),
        ("az", "adlfs", 'pip install "cliphaze[cloud]" adlfs'),
        ("sftp", "paramiko", 'pip install "cliphaze[cloud]" paramiko'),
    ],
)
def test_a_missing_package_is_named(protocol: str, missing: str, install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    monkeypatch.setattr(sys.modules[fsspec.get_filesystem_class.__module__], "_registry", {})
    for name in [name for name in sys.modules if name.partition(".")[0] == missing or name.endswith(".sftp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError) as error:
        opened(Remote(protocol, "bucket/a.jpg"))
    assert str(error.value).endswith(install)


def test_an_unknown_protocol_is_told() -> None:
    with pytest.raises(UsageError, match="no kind of place that fsspec knows"):
        opened(Remote("s4", "bucket/a.jpg"))


def test_names_that_fsspec_would_take_for_something_else() -> None:
    assert opened(Remote("memory", "a::b.jpg"))[1].endswith("a::b.jpg")


class EndpointConnectionError(Exception):
    """As botocore's."""


class NoCredentialsError(Exception):
    """As botocore's."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError("Access Denied."), r"refuses it \(Access Denied\); check the credentials"),
        (
            type("AuthenticationException", (Exception,), {})("Authentication failed."),  # paramiko's
            r"refuses it \(Authentication failed\); check the credentials",
        ),
        (
            NoCredentialsError("Unable to locate credentials"),
            r"found \(Unable to locate credentials\); set AWS_ACCESS_KEY_ID",
        ),
        (TimeoutError(), "does not answer"),
        (
            EndpointConnectionError('Could not connect to the endpoint URL: "http://10.0.0.1:9000/b/a?X-Amz-S=abc"'),
            r"the store at http://10\.0\.0\.1:9000 cannot be reached;",
        ),
        (OSError(errno.ENOSPC, "no space"), "TMPDIR"),
        (
            ValueError("two\nlines with hiddenhidden and http://u:p@host/x?y=z"),
            r"two lines with \*\*\* and http://host",
        ),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hiddenhidden")

    def ask(system: Any, path: str) -> None:
        raise error

    with pytest.raises(ImageError, match=said) as raised:
        asked(Remote("memory", "a.jpg"), "fetch", ask, ImageError) if "AWS" not in said else _raise(error)
    text = str(raised.value)
    assert text.startswith("cannot fetch ") and "\n" not in text and "hidden" not in text and "X-Amz" not in text


def _raise(error: Exception) -> None:
    raise failures.explained(error, PHOTO, "fetch", ImageError)


def test_work_on_this_machine_does_not_import_fsspec() -> None:
    program = (
        "import sys, cliphaze_cli.cli.app, cliphaze_cli.batch.pool, cliphaze_cli.batch.plan\n"
        "sys.exit('fsspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
