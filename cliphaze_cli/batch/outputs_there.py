"""Outputs that are there before the work: they would be replaced, and may be inputs by another name."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.refusals import identity
from cliphaze_cli.places.look import Look
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.system.errors import UsageError

_BITS = 2**64 - 1


class OutputsThere:
    """Takes jobs, and refuses once all are known. It remembers eight bytes of each output that is there."""

    def __init__(self) -> None:
        self._numbers = array("Q")  # of their identities
        self._in_the_way = 0
        self._first: Place | None = None

    def note(self, jobs: Iterable[Job], look: Look) -> None:
        """Note the outputs of jobs, whether they will be written or not."""
        for job in jobs:
            for output in job.outputs:
                if isinstance(output, Remote) and not look.taken(output):
                    continue
                if (who := identity(output)) is not None:
                    self._numbers.append(_number(who))

    def note_in_the_way(self, jobs: Iterable[Job], look: Look) -> None:
        """Note those that nobody said what to do with."""
        for job in jobs:
            for output in job.outputs:
                if look.taken(output):
                    self._in_the_way += 1
                    self._first = self._first or output

    def refuse_inputs(self, sources: Iterable[Place], jobs: Sequence[Iterable[Job]], *, advice: str) -> None:
        """Raise UsageError with the `advice` if an output is one of the sources, by whatever path or link."""
        if not self._numbers:
            return
        import numpy as np

        np.frombuffer(self._numbers, np.uint64).sort()  # in its place
        for source in sources:
            who = identity(source)
            if who is None or not self._noted(_number(who)):
                continue
            for output in (output for job in chain(*jobs) for output in job.outputs):
                if identity(output) == who:
                    raise UsageError(f"the output {output} is an input ({source}): {advice}")

    def _noted(self, number: int) -> bool:
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number

    def refuse_in_the_way(self) -> None:
        """Raise UsageError if anything would be replaced."""
        if self._first is not None:
            count = "1 output exists" if self._in_the_way == 1 else f"{self._in_the_way} outputs exist"
            first = self._first if self._in_the_way == 1 else f"first: {self._first}"
            raise UsageError(
                f"{count} already ({first}): give --skip-existing to keep what is there, or --overwrite to replace it"
            )


def _number(who: object) -> int:
    return hash(who) & _BITS
