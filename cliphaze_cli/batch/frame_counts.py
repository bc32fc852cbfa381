"""How far films are, told by worker processes to the one that people look at, through memory that both see.

There is no lock, as a process that is killed would keep it: each place is written by one process at a time.
"""

from collections.abc import Callable
from multiprocessing.context import SpawnContext


class FrameCounts:
    """A pair of numbers for each film that is worked on: frames done, and how many it has."""

    def __init__(self, places: int, context: SpawnContext) -> None:
        """places: films at a time."""
        self._numbers = context.RawArray("q", 2 * places)

    def clear(self, place: int) -> None:
        """A place's next film begins."""
        self._numbers[2 * place], self._numbers[2 * place + 1] = 0, 0

    def telling(self, place: int) -> Callable[[int, int | None], None]:
        """What to call after each frame, with the number of those done and, where it is known, of all."""

        def tell(done: int, total: int | None) -> None:
            self._numbers[2 * place + 1] = total or 0
            self._numbers[2 * place] = done

        return tell

    def __getitem__(self, place: int) -> tuple[int, int | None]:
        """Frames done, and of how many."""
        return self._numbers[2 * place], self._numbers[2 * place + 1] or None
