"""The file system of a remote place, by fsspec: found by the URL's protocol, with credentials of the environment."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from cliphaze_cli.places import failures
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.system.errors import CliphazeError, UsageError

T = TypeVar("T")

_PACKAGES = {"gs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs", "sftp": "paramiko", "ssh": "paramiko"}
_WITH_EXTRA = ("s3", "http", "https", "memory")
_PAUSES = (0.5, 1.5, 4.0)  # seconds before a busy store is asked again, after the retries of its own library

# A store that hangs costs 90 seconds: 15 to read, 3 attempts by botocore, twice by s3fs.
_S3_OPTIONS: dict[str, Any] = {
    "use_listings_cache": False,
    "config_kwargs": {
        "connect_timeout": 5,
        "read_timeout": 15,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    },
}
_S3_RETRIES = 2


def opened(place: Remote) -> tuple[Any, str]:
    """Return the file system and the place's path in it. Raises UsageError where a package is missing, or where it
    cannot be opened."""
    try:
        import fsspec

        kind = fsspec.get_filesystem_class(place.protocol)
    except ImportError as error:
        raise UsageError(_what_is_missing(place.protocol)) from error
    except ValueError as error:
        raise UsageError(f"{place.protocol}:// is no kind of place that fsspec knows: check the URL") from error
    options = dict(_S3_OPTIONS) if place.protocol == "s3" else {}
    try:
        # Not by url_to_fs, which takes a :: in a name for something else.
        system = kind(**kind._get_kwargs_from_urls(str(place)), **options)
    except ImportError as error:
        raise UsageError(_what_is_missing(place.protocol)) from error
    except Exception as error:
        raise failures.explained(error, place, "open", UsageError) from error
    if place.protocol == "s3":
        system.retries = _S3_RETRIES
    return system, kind._strip_protocol(str(place))


def asked(place: Remote, doing: str, ask: Callable[[Any, str], T], failure: type[CliphazeError]) -> T:
    """Return `ask(file system, path)`, asked again while the store is busy.

    Raises `failure`, with one line that begins with "cannot" and `doing`, for whatever goes wrong, but
    FileNotFoundError and FileExistsError as they are.
    """
    system, path = opened(place)
    for pause in (*_PAUSES, None):
        try:
            return ask(system, path)
        except (FileNotFoundError, FileExistsError) as error:
            if failures.no_bucket(error):
                raise failures.explained(error, place, doing, failure) from error
            raise
        except CliphazeError:
            raise
        except Exception as error:
            if pause is None or not failures.is_busy(error):
                raise failures.explained(error, place, doing, failure) from error
            time.sleep(pause)
    raise AssertionError("unreachable")


def _what_is_missing(protocol: str) -> str:
    missing = f"{protocol}:// needs packages that are not installed"
    if protocol in _WITH_EXTRA or protocol in _PACKAGES:
        return " ".join([f'{missing}: pip install "cliphaze[cloud]"', *_PACKAGES.get(protocol, "").split()])
    return f'{missing}: pip install "cliphaze[cloud]", and what fsspec names for {protocol}'
