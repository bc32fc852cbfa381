"""How many photos at a time, and with what."""

import pytest

from cliphaze_cli.batch import shares
from cliphaze_cli.batch.shares import Shares, share_out

GB = 2**30


@pytest.mark.parametrize(
    ("photos", "cores", "memory", "jobs", "processes", "cores_each"),
    [
        (1, 4, 16 * GB, None, 1, 4),
        (100, 4, 16 * GB, None, 4, 1),
        (3, 16, 64 * GB, None, 3, 5),
        (100, 64, 256 * GB, None, 8, 8),
        (100, 8, 3 * GB, None, 3, 2),
        (100, 8, 100, None, 1, 8),
        (100, 8, None, None, 8, 1),
        (100, 2, 16 * GB, 5, 5, 1),
        (2, 2, 16 * GB, 5, 2, 1),
        (100, 8, 16 * GB, 1, 1, 8),
    ],
)
def test_cores_and_memory_are_shared_out(
    monkeypatch: pytest.MonkeyPatch,
    photos: int,
    cores: int,
    memory: int | None,
    jobs: int | None,
    processes: int,
    cores_each: int,
) -> None:
    monkeypatch.setattr(shares, "usable_cores", lambda: cores)
    monkeypatch.setattr(shares, "memory_bytes", lambda: memory)
    made = share_out(photos, "cpu", jobs)
    assert (made.processes, made.cores_each) == (processes, cores_each)
    if processes == 1 or memory is None:
        assert made.memory_each is None  # as much as there is
    else:
        assert made.memory_each is not None and processes * made.memory_each < memory


def test_a_gpu_has_a_few_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "usable_cores", lambda: 16)
    monkeypatch.setattr(shares, "memory_bytes", lambda: 64 * GB)
    monkeypatch.setattr(shares, "computes_on_cpu", lambda device: False)
    assert share_out(100, "cuda").processes == 4
    assert share_out(100, "cuda", 2) == Shares(2, 8, 32 * GB - 400 * 2**20)
