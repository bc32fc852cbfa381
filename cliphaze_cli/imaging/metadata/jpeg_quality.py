"""By which quality a JPEG file was compressed, from the steps in which it holds brightness."""

from collections.abc import Sequence

_STEPS_AT_50 = 3688  # the sum of the steps of quality 50, ITU-T T.81 table K.1


def quality_of(steps: Sequence[int]) -> int:
    """The quality 1..100 at which libjpeg's steps are as coarse on average; steps: the 64 of a quantization table."""
    coarseness = max(1, sum(steps)) / _STEPS_AT_50  # libjpeg: 2 - quality / 50, or below 50 its reciprocal
    quality = 100 - 50 * coarseness if coarseness <= 1 else 50 / coarseness
    return max(1, round(quality))
