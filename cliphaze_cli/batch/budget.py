"""How much decoded image data a batch may hold at once."""

import threading

POLL_SECONDS = 0.1  # how often waiting threads look whether the batch was stopped


class ByteBudget:
    """Lets a reader start on another image only while the images in flight are below a number of bytes.

    An image's size is known only once it is decoded, so the bound is `limit` plus one image: small photos are read
    ahead by the dozen, while a photo larger than the limit is alone from its decoding until it is written.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._changed = threading.Condition()

    def wait_for_room(self, stop: threading.Event) -> bool:
        """Block until less than the limit is held; False if `stop` was set instead."""
        with self._changed:
            while self._held >= self._limit and not stop.is_set():
                self._changed.wait(POLL_SECONDS)
        return not stop.is_set()

    def take(self, size: int) -> None:
        """Count `size` bytes as held."""
        with self._changed:
            self._held += size

    def release(self, size: int) -> None:
        """Give `size` bytes back."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()
