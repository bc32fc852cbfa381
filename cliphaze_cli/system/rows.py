"""Pictures in bands of rows, so that what is made of a band stays small."""

from collections.abc import Iterator


def rows_in(budget: int, per_row: int) -> int:
    """Return how many rows fit into `budget` when each takes `per_row` of the same unit (bytes, samples or pixels).

    It is at least one.
    """
    return max(1, budget // max(1, per_row))


def row_bands(first: int, last: int, rows: int) -> Iterator[slice]:
    """Slices of `rows` rows that make up first..last, `last` excluded; the last slice may have fewer."""
    for top in range(first, last, rows):
        yield slice(top, min(top + rows, last))
