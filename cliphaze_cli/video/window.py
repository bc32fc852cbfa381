"""The part of a film that is kept."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Window:
    """From `start` to before `end`, in seconds from `origin`, where the film begins; None: to its end."""

    origin: Fraction
    start: Fraction
    end: Fraction | None

    @property
    def is_all(self) -> bool:
        """Whether everything is kept."""
        return not self.start and self.end is None

    def since(self, time: int, base: Fraction) -> Fraction:
        """Seconds from the film's beginning."""
        return time * base - self.origin

    def holds(self, time: int, base: Fraction) -> bool:
        """Whether what begins then is kept."""
        return self.is_all or (self.since(time, base) >= self.start and not self.ended(time, base))

    def ended(self, time: int, base: Fraction, linger: int = 0) -> bool:
        """Whether then all that is kept is over, for `linger` seconds already."""
        return self.end is not None and self.since(time, base) >= self.end + linger

    def shift(self, base: Fraction) -> int:
        """What to take from times, so that what is kept begins where the film did."""
        return int(self.start / base)

    def admits(self, packet: Any) -> bool:
        """Whether a packet of PyAV is kept; its times are changed then."""
        if self.is_all:
            return True
        time = packet.pts if packet.pts is not None else packet.dts
        base = Fraction(packet.time_base)
        if time is None or not self.holds(time, base):
            return False
        packet.pts = None if packet.pts is None else packet.pts - self.shift(base)
        packet.dts = None if packet.dts is None else packet.dts - self.shift(base)
        return True
