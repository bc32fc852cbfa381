"""How a machine's cores are shared out."""

import pytest

from cliphaze_cli.batch.crew import Crew, crew_for, processes_for

GB = 2**30


@pytest.mark.parametrize(
    ("photos", "cores", "memory", "jobs", "expected"),
    [
        (1, 8, None, None, 1),
        (2, 8, None, None, 2),
        (50, 1, None, None, 1),
        (50, 2, None, None, 2),
        (500, 64, None, None, 8),  # each takes memory
        (500, 64, 3.5 * GB, None, 3),
        (500, 64, 0, None, 1),
        (500, 64, GB, 16, 16),  # who asks gets
        (50, 2, None, 5, 5),
        (3, 2, None, 5, 3),
        (50, 4, None, 1, 1),
    ],
)
def test_processes_on_a_cpu(photos: int, cores: int, memory: float | None, jobs: int | None, expected: int) -> None:
    available = None if memory is None else int(memory)
    assert processes_for(photos, cores=cores, memory=available, jobs=jobs) == expected


@pytest.mark.parametrize(
    ("device", "jobs", "expected"),
    [
        ("cpu", None, Crew(1, 1, 1, 16)),  # all for the photo in work
        ("cuda", None, Crew(8, 2, 8)),
        ("cuda", 1, Crew(8, 1, 8)),
        ("cuda", 12, Crew(12, 12, 12)),
        ("mps", None, Crew(8, 1, 8)),
    ],
)
def test_threads_of_a_process(device: str, jobs: int | None, expected: Crew) -> None:
    assert crew_for(device, cores=16, jobs=jobs) == expected
