"""What a worker process and the process that started it tell each other. Pickled: both are this program.

The starting process sends an `Assignment`, then a `Job` for each `Wanted`, or None when there are no more; `Stop` and
the end of its stream both mean that no more work is to be begun.
"""

from dataclasses import dataclass
from typing import Any

from cliphaze_cli.batch.report import FileResult


@dataclass(frozen=True)
class Stop:
    """To a worker: finish what is being written and end."""


@dataclass(frozen=True)
class Notice:
    """From a worker that starts: a line for people."""

    text: str


@dataclass(frozen=True)
class Refused:
    """From a worker that ends because of `error`: a CliphazeError, or where nobody expected one, with a traceback."""

    error: Exception


@dataclass(frozen=True)
class Ready:
    """From a worker: it has loaded the network, and `used` is what it dehazes with."""

    used: dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """From a worker: it has room for another photo."""


@dataclass(frozen=True)
class Done:
    """From a worker: what became of the oldest of its photos that it had not told about."""

    result: FileResult


@dataclass(frozen=True)
class Ended:
    """From a worker: it has told everything."""
