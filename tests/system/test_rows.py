"""Bands cover every row once and keep to what they may take."""

import pytest

from cliphaze_cli.system.rows import row_bands, rows_in


@pytest.mark.parametrize(("first", "last", "width"), [(0, 1, 1), (0, 100, 64), (0, 7, 5000), (5, 38, 1000), (3, 3, 9)])
def test_bands_cover_every_row_once_within_the_budget(first: int, last: int, width: int) -> None:
    bands = list(row_bands(first, last, rows_in(1000, width)))
    assert [row for band in bands for row in range(band.start, band.stop)] == list(range(first, last))
    assert all((band.stop - band.start) * width <= max(1000, width) for band in bands)


def test_one_row_at_least() -> None:
    assert rows_in(10, 11) == 1
    assert rows_in(10, 0) == 10  # rows of nothing
