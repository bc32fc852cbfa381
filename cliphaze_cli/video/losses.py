"""What of a film was not as it should be, and when that is too much."""

from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.system.atomic_file import shown

MOST_LOST = 0.1  # of all frames; beyond that a film is not worth having
_FEW = 3  # lost frames that are never too many


@dataclass
class Losses:
    """Of frames.

    good: decoded. replaced: damaged, the last good one is shown in their place. unshown: damaged, before the first good
    one. misplaced: of times that had passed. missing: those that the file ends without, and short: after how many of
    how many seconds. deinterlaced: whether some were.
    """

    good: int = 0
    replaced: int = 0
    unshown: int = 0
    misplaced: int = 0
    missing: int = 0
    short: tuple[float, float] = (0.0, 0.0)
    deinterlaced: bool = False

    @property
    def too_many(self) -> bool:
        """Whether more is lost than may be."""
        return self._lost > _FEW and self._lost > MOST_LOST * (self.good + self._lost)

    @property
    def _lost(self) -> int:
        return self.replaced + self.unshown + self.missing

    def why_too_many(self, path: Path) -> str:
        """One line that says it."""
        if self.missing > self.replaced + self.unshown:
            there, whole = self.short
            return (
                f"cannot read {shown(path)}: it is cut off after {there:.1f} of its {whole:.1f} s; copy it again, or "
                f"give --end {there:.1f} to keep what is there"
            )
        of_all = f"{self._lost} of {self.good + self._lost} frames"
        return f"cannot read {shown(path)}: {of_all} are damaged, which is too many; copy it again"

    @property
    def notices(self) -> tuple[str, ...]:
        """Lines for people."""
        lines = []
        if self.replaced:
            lines.append(f"damaged: {_frames(self.replaced)} replaced by the last good one")
        if self.unshown:
            lines.append(f"damaged: {_frames(self.unshown)} left out at the beginning, before the first good one")
        if self.misplaced:
            lines.append(f"{_frames(self.misplaced)} left out whose time had passed already")
        if self.missing:
            there, whole = self.short
            lines.append(f"cut off: it ends after {there:.1f} of its {whole:.1f} s; copy it again if there is more")
        if self.deinterlaced:
            lines.append("interlaced: written as full frames (bwdif), as many as before")
        return tuple(lines)


def _frames(count: int) -> str:
    return "1 frame was" if count == 1 else f"{count} frames were"
