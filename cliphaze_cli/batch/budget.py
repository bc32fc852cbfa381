"""How much decoded image data a batch may hold at once."""

import threading

POLL_SECONDS = 0.1  # how often waiting threads look whether the batch was stopped


class ByteBudget:
    """Lets a reader start on another image only while the images in flight are below a number of bytes.

    An image's size is known only once it is decoded; until then it counts as the largest one yet, and the first is read
    alone. So the bound is `limit` plus one image, or plus one for each reader where larger ones come as a surprise:
    small photos are read ahead by the dozen, while a photo larger than the limit is alone from its decoding until it
    is written.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._reading = 0
        self._largest: int | None = None
        self._changed = threading.Condition()

    def begin(self, stop: threading.Event) -> bool:
        """Block until an image may be read; False if `stop` was set instead. Follow with `take`."""
        with self._changed:
            while not self._has_room() and not stop.is_set():
                self._changed.wait(POLL_SECONDS)
            self._reading += 1
        return not stop.is_set()

    def take(self, size: int) -> None:
        """What has been read holds `size` bytes; 0 if nothing came of it."""
        with self._changed:
            self._reading -= 1
            self._held += size
            if size:
                self._largest = max(size, self._largest or 0)
            self._changed.notify_all()

    def release(self, size: int) -> None:
        """Give `size` bytes back."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def _has_room(self) -> bool:
        if self._largest is None:
            return not self._reading
        return self._held + self._reading * self._largest < self._limit
