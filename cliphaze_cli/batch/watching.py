"""When to look into folders again: the only place that knows which library tells of changes (watchfiles)."""

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.system.errors import UsageError

if TYPE_CHECKING:
    from watchfiles import Change

_TICK = 0.5  # seconds between looks at files that are being written, and at requests to end
_POLL = 1.0  # seconds between looks where the system does not tell of changes


def require_watching() -> None:
    """Raise UsageError where the library is not installed."""
    if importlib.util.find_spec("watchfiles") is None:
        raise UsageError('--watch needs watchfiles: pip install "cliphaze[watch]"')


def changes(
    folders: Sequence[Path], *, recursive: bool, ended: Callable[[], object], notice: Callable[[str], object]
) -> Iterator[bool]:
    """Yield twice a second until `ended` says so: whether something changed in the folders.

    A folder that vanishes is waited for. Where the system does not tell of changes, there may always be some, and
    `notice` is called with a line for people.
    """
    from watchfiles import watch

    class Ended:
        is_set = staticmethod(lambda: bool(ended()))

    told = False
    while not ended():
        watched, new = _identities(folders), True
        try:
            for found in watch(
                *folders,
                watch_filter=_matters,
                stop_event=Ended(),
                rust_timeout=round(1000 * _TICK),
                yield_on_timeout=True,
                poll_delay_ms=round(1000 * _POLL),
                recursive=recursive,
                ignore_permission_denied=True,
            ):
                yield new or bool(found)  # what came before the watch began was not told
                new = False
                if _identities(folders) != watched:
                    break
        except FileNotFoundError:
            time.sleep(_TICK)
        except Exception as error:  # noqa: BLE001 - such as a limit on what a user may watch
            if not told:
                notice(f"the system does not tell of changes ({error}): the folders are looked through all the time")
            told = True
            time.sleep(_POLL)
        else:
            continue
        yield True


def _matters(change: "Change", path: str) -> bool:
    return not Path(path).name.startswith(".")  # hidden files, among them those that we write


def _identities(folders: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Of folders: another one of the same name, as a drive that comes back, is watched anew."""
    found: list[tuple[int, int] | None] = []
    for folder in folders:
        try:
            status = folder.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino))
    return found
