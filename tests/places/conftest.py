import pytest

from tests.places import memory


@pytest.fixture(autouse=True)
def empty_memory() -> None:
    memory.clear()
