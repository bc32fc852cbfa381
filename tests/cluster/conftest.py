"""One cluster for all tests, as starting it takes longest."""

from collections.abc import Iterator

import pytest

from tests.cluster.machines import Machines


@pytest.fixture(scope="session")
def cluster() -> Iterator[Machines]:
    """Two machines of one core each."""
    made = Machines()
    try:
        yield made
    finally:
        made.close()
