"""What --resolution and `resolution=` take."""

import pytest

from cliphaze_cli.network.resolution import DEFAULT_RESOLUTION, parse_resolution
from cliphaze_cli.system.errors import UsageError


@pytest.mark.parametrize(
    ("given", "side"), [("auto", DEFAULT_RESOLUTION), ("Full", None), ("640", 640), (64, 64), (" 99 ", 99)]
)
def test_what_is_taken(given, side):
    assert parse_resolution(given) == side


@pytest.mark.parametrize("given", ["", "63", 63, 0, "-200", "1e3", "640px", "²²²", "1" * 9, None, 512.5])
def test_what_is_refused(given):
    with pytest.raises(UsageError, match="auto, full, or at least 64 pixels"):
        parse_resolution(given)
