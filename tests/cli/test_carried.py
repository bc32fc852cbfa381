"""What photos carry survives the whole command, not only reading and writing."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.dehazing import Dehaze
from tests.imaging.samples import CASES, xmp_in

THEN = 1_500_000_000


def test_a_map_and_a_panorama(tmp_path: Path, dehaze: Dehaze) -> None:
    (tmp_path / "in").mkdir()
    for name in ("geo8_nir.tif", "gpano.jpg"):
        (tmp_path / "in" / name).write_bytes((CASES / name).read_bytes())
        os.utime(tmp_path / "in" / name, (THEN, THEN))
    assert dehaze("in", "out", "--strength", "0").code == 0
    assert b"GPano:ProjectionType" in xmp_in(tmp_path / "out/gpano.jpg")
    with tifffile.TiffFile(tmp_path / "out/geo8_nir.tif") as file:
        assert file.pages[0].tags[33922].value[3:5] == (500000.0, 5150000.0)
        np.testing.assert_array_equal(file.asarray(), tifffile.imread(CASES / "geo8_nir.tif"))
    assert [path.stat().st_mtime for path in (tmp_path / "out").iterdir()] == [THEN, THEN]


def test_outputs_can_be_dated_now(tmp_path: Path, dehaze: Dehaze) -> None:
    (tmp_path / "a.jpg").write_bytes((CASES / "gpano.jpg").read_bytes())
    os.utime(tmp_path / "a.jpg", (THEN, THEN))
    assert dehaze("a.jpg", "b.jpg", "--no-preserve").code == 0
    assert (tmp_path / "b.jpg").stat().st_mtime > THEN + 10**7


@pytest.mark.parametrize("white", [None, 2.0])
def test_floating_point_above_1(tmp_path: Path, dehaze: Dehaze, white: float | None) -> None:
    values = np.full((20, 30, 3), 1.0, np.float32)
    values[:10] = 4.0
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    result = dehaze("a.tif", "b.tif", "--strength", "0", *(["--white", str(white)] if white else []))
    assert result.code == 0
    assert f"{white or 4:g}" in result.err
    assert "is white" in result.err
    expected = 65535 * np.minimum(values / (white or 4.0), 1)
    np.testing.assert_allclose(tifffile.imread(tmp_path / "b.tif"), expected, atol=1)


@pytest.mark.parametrize("white", ["0", "-1", "nan", "inf"])
def test_an_impossible_white_is_refused(tmp_path: Path, dehaze: Dehaze, white: str) -> None:
    (tmp_path / "a.tif").write_bytes((CASES / "geo8.tif").read_bytes())
    result = dehaze("a.tif", "b.tif", "--white", white)
    assert result.code == 2
    assert "--white" in result.err
