"""From the threads of one stage of a batch to those of the next."""

import contextlib
import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

from cliphaze_cli.batch.budget import POLL_SECONDS

T = TypeVar("T")


class Channel(Generic[T]):
    """Carries items from one stage's threads to the next one's; nothing blocks once the batch is stopped."""

    def __init__(self, size: int, *, senders: int, receivers: int, stop: threading.Event) -> None:
        self._queue: Queue[T | None] = Queue(size)  # None: no more items
        self._lock = threading.Lock()
        self._senders, self._receivers, self._stop = senders, receivers, stop

    def send(self, item: T | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=POLL_SECONDS)
            except Full:
                continue
            return

    def end(self) -> None:
        """Called by each sender when it has no more; the last one tells the receivers."""
        with self._lock:
            self._senders -= 1
            last = not self._senders
        if last:
            for _ in range(self._receivers):
                self.send(None)

    def ready(self) -> list[T]:
        """Further items that are there already."""
        found: list[T] = []
        with contextlib.suppress(Empty):
            while True:
                item = self._queue.get_nowait()
                if item is None:  # the end, which stays for whoever asks next
                    self._queue.put(None)
                    break
                found.append(item)
        return found

    def __iter__(self) -> Iterator[T]:
        """Yield items until their end, or until the batch is stopped."""
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            if item is None:
                return
            yield item
            del item
