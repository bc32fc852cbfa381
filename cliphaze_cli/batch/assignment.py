"""What every process that works on a batch has to know."""

from dataclasses import dataclass

from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import Settings


@dataclass(frozen=True)
class Assignment:
    """How photos are to be dehazed and written.

    settings: what decides their look. device: as people give it. limits: of reading. preserve:
    whether outputs get their sources' times. retried_sha256: of the weights of
    the run that is retried.
    """

    settings: Settings
    device: str
    limits: Limits
    overwrite: bool = False
    skip_existing: bool = False
    preserve: bool = True
    retried_sha256: str | None = None
