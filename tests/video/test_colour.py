"""Frames to RGB and back: exactly, and by the matrix that the film names."""

import av
import numpy as np
import pytest

from cliphaze_cli.video.colour import Coding, coding_of, fill, pixels_of, planes_of
from tests.video.films import scene


def frame(pix_fmt: str, matrix: int, full: bool, size: tuple[int, int] = (50, 38)) -> av.VideoFrame:
    made = av.VideoFrame(*size, pix_fmt)
    made.colorspace, made.color_range = matrix, 2 if full else 1
    fill(made, scene(0, size) if "10" not in pix_fmt else scene(0, size) * np.uint16(257), coding_of(made))
    return made


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_the_way_there_and_back_changes_next_to_nothing(pix_fmt: str, matrix: int, full: bool) -> None:
    one = frame(pix_fmt, matrix, full)
    coding = coding_of(one)
    assert coding == Coding(matrix, full, 10 if "10" in pix_fmt else 8)
    again = av.VideoFrame(one.width, one.height, pix_fmt)
    fill(again, pixels_of(one, coding), coding)
    for before, after in zip(planes_of(one, coding), planes_of(again, coding), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 0.1


@pytest.mark.parametrize(("matrix", "red"), [(1, (63, 102, 240)), (6, (81, 90, 240)), (9, (73, 97, 240))])
def test_red_is_what_the_standards_say(matrix: int, red: tuple[int, int, int]) -> None:
    made = av.VideoFrame(16, 16, "yuv420p")
    fill(made, np.full((16, 16, 3), (255, 0, 0), np.uint8), Coding(matrix, False, 8))
    assert [int(np.asarray(bytearray(plane))[0]) for plane in made.planes] == pytest.approx(red, abs=1)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (95, 63), (2, 2)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "nv12", "rgb24", "gray", "yuva420p", "p010le"])
def test_every_format_and_size_is_read(pix_fmt: str, size: tuple[int, int]) -> None:
    source = av.VideoFrame.from_ndarray(scene(0, size), format="rgb24").reformat(format=pix_fmt)
    pixels = pixels_of(source, coding_of(source))
    assert pixels.shape == (size[1], size[0], 3) and pixels.flags.c_contiguous
    if pix_fmt != "gray":
        expected = scene(0, size).astype(float).mean()
        assert pixels.mean() / (257 if pixels.dtype == np.uint16 else 1) == pytest.approx(expected, abs=4)
