"""One local Hub and one machine a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.machine import Machine
from tests.hub.server import FakeHub


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with FakeHub() as hub:
        yield Machine(hub, tmp_path)
