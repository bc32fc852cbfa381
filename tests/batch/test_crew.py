"""How a machine's cores are shared out."""

import pytest

from cliphaze_cli.batch.crew import Crew, crew_for


@pytest.mark.parametrize(
    ("photos", "cores", "jobs", "expected"),
    [
        (1, 8, None, Crew(1, 1, 1, 8)),  # all for the one photo
        (50, 1, None, Crew(1, 1, 1, 1)),
        (50, 2, None, Crew(1, 2, 2, 1)),
        (3, 8, None, Crew(2, 3, 3, 2)),
        (50, 64, None, Crew(4, 8, 8, 8)),  # each takes memory
        (50, 64, 16, Crew(8, 16, 16, 4)),
        (50, 2, 5, Crew(3, 5, 5, 1)),
        (50, 4, 1, Crew(1, 1, 1, 4)),
    ],
)
def test_on_a_cpu(photos: int, cores: int, jobs: int | None, expected: Crew) -> None:
    assert crew_for(photos, device="cpu", cores=cores, jobs=jobs) == expected


@pytest.mark.parametrize(
    ("device", "photos", "jobs", "expected"),
    [
        ("cuda", 50, None, Crew(8, 2, 8)),
        ("cuda", 1, None, Crew(1, 1, 1)),
        ("cuda", 50, 1, Crew(8, 1, 8)),
        ("mps", 50, None, Crew(8, 1, 8)),
    ],
)
def test_a_gpu_is_supplied_by_all_cores(device: str, photos: int, jobs: int | None, expected: Crew) -> None:
    assert crew_for(photos, device=device, cores=16, jobs=jobs) == expected
