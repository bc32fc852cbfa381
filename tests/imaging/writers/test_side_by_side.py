"""Work on parts of an image on all cores: in order, bounded, and no different from one core."""

import io
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.imaging.writers import png, side_by_side, tiff
from tests.imaging.samples import noise

PATIENCE = 20.0


@pytest.fixture
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 3)


@pytest.mark.usefixtures("three_cores")
def test_results_come_in_order_from_several_threads_and_not_too_many_ahead() -> None:
    together = threading.Barrier(3)
    begun: list[int] = []

    def items() -> Iterator[int]:
        for number in range(30):
            begun.append(number)
            yield number

    def work(number: int) -> int:
        if number < 3:
            together.wait(PATIENCE)
        return number * number

    for number, result in enumerate(side_by_side.side_by_side(work, items())):
        assert result == number * number
        assert len(begun) - number <= 2 * 3 + 1
    assert len(begun) == 30


@pytest.mark.usefixtures("three_cores")
def test_a_failure_is_raised_where_its_result_is_due() -> None:
    results = side_by_side.side_by_side(lambda number: 1 // (number - 4), range(100))
    assert [next(results) for _ in range(4)] == [-1, -1, -1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("writer", [png, tiff])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_files_do_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch, writer, dtype) -> None:
    pixels = noise(1500, 1000, 3, dtype=dtype)  # several bands and strips
    files = []
    for cores in (1, 3):
        monkeypatch.setattr(side_by_side, "usable_cores", lambda cores=cores: cores)
        sink = io.BytesIO()
        writer.encode(sink, pixels)
        files.append(sink.getvalue())
    assert files[0] == files[1]
    if dtype == np.uint8:
        with Image.open(io.BytesIO(files[0])) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)
