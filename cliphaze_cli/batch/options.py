"""Everything that a process that works on photos has to know: one frozen object, which can be pickled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import DensitySettings, Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cliphaze_cli.hub import VerifiedFile
    from cliphaze_cli.imaging.photo import Photo


Load = Callable[["WorkOptions", Callable[[str], object]], "Tool"]


@dataclass(frozen=True)
class WorkOptions:
    """How photos are to be worked on.

    load: makes the tool that does it, and is given what to call with lines for people; a function of a module, so
    that it can be pickled. settings: what decides the look of outputs. device: as people give it. limits: of one photo.
    preserve: whether photos get their sources' times. retried_sha256: of the weights of the run that is retried.
    clip_file: CLIP's, which the run has hashed already. pictures: whether results bring a small picture of before and
    after along.
    """

    load: Load
    settings: Settings | DensitySettings
    device: str
    limits: Limits
    overwrite: bool = False
    skip_existing: bool = False
    preserve: bool = True
    retried_sha256: str | None = None
    clip_file: "VerifiedFile | None" = None
    pictures: bool = False


@dataclass(frozen=True, eq=False)
class Maps:
    """A haze density (H, W) in [0, 1] to export, with the title of its legend; npy: as an array too."""

    density: "NDArray[np.float32]"
    title: str
    npy: bool = False


@dataclass(frozen=True, eq=False)
class Product:
    """What was made of a photo: pixels (H, W, 3) to write in its place, maps to write, and what to report of it.

    details: density_mean (0..1, of the hazy photo) and density_source ("clip" or "model").
    """

    pixels: "NDArray[Any] | None"
    maps: Maps | None
    details: dict[str, Any]


class Tool(Protocol):
    """What is loaded once and works on every photo.

    used: what it works with, see `loading.description`. label: the same for people. quality: of the photos to write.
    """

    used: dict[str, Any]
    label: str
    quality: int | None

    def __call__(self, photo: "Photo") -> Product:
        """Work on one photo; errors are told in its result."""
        ...
