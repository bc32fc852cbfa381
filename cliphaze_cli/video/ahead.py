"""Work that runs ahead of whoever needs its results."""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_POLL = 0.1  # seconds


def ahead(items: Iterable[T], count: int) -> Generator[T]:
    """The same items, produced in a thread of their own, up to `count` before they are asked for.

    What producing them raised is raised here. Closing the generator ends the thread.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(count)
    ended = threading.Event()

    def put(kind: str, what: Any) -> bool:
        while not ended.is_set():
            try:
                waiting.put((kind, what), timeout=_POLL)
                return True
            except queue.Full:
                pass
        return False

    def produce() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                if not put("item", item):
                    break
            else:
                put("end", None)
        except BaseException as error:  # noqa: BLE001 - raised where the items are asked for
            put("error", error)
        finally:
            if isinstance(iterator, Generator):
                iterator.close()

    thread = threading.Thread(target=produce, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, what = waiting.get()
            if kind == "error":
                raise what
            if kind == "end":
                return
            yield what
    finally:
        ended.set()
        thread.join()
