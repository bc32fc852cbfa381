"""The output's time is the source's, and nobody may read it who may not read the source."""

import os
import stat
import sys

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.imaging.density_map import save_density
from cliphaze_cli.imaging.files import read, write
from tests.imaging.samples import smooth

THEN = 1_500_000_000_123_456_789
posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jpg"
    Image.fromarray(smooth()).save(path)
    os.utime(path, ns=(THEN, THEN))
    return path


def test_the_time_is_the_sources(tmp_path, source):
    write(read(source), tmp_path / "out.png")
    assert (tmp_path / "out.png").stat().st_mtime_ns // 1000 == THEN // 1000


def test_the_time_is_now_where_that_is_wanted(tmp_path, source):
    write(read(source), tmp_path / "out.png", preserve=False)
    assert (tmp_path / "out.png").stat().st_mtime_ns > THEN + 10**18 // 10


@posix
def test_nor_the_overlay_of_its_density_which_shows_it(tmp_path, source):
    source.chmod(0o600)
    result = read(source)
    for path in save_density(
        np.zeros((48, 64), np.float32), result.pixels, tmp_path / "a", title="t", source=result.file
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("preserve", [False, True])
@pytest.mark.parametrize(("source_mode", "expected"), [(0o640, 0o640), (0o600, 0o600), (0o777, 0o644), (0o400, 0o600)])
def test_no_more_people_may_read_it(tmp_path, source, preserve, source_mode, expected):
    source.chmod(source_mode)
    before = os.umask(0o022)
    try:
        write(read(source), tmp_path / "out.png", preserve=preserve)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == expected
