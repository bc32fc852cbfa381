"""What became of photos, without a list of them all."""

from pathlib import Path

from cliphaze_cli.batch.job import Job
from cliphaze_cli.cli.tally import Tally
from cliphaze_cli.report.results import FileResult


def test_photos_without_a_result_were_not_reached() -> None:
    jobs = [Job(Path(f"in/{name}.jpg"), Path(f"out/{name}.jpg")) for name in "abcde"]
    tally = Tally(jobs, keep=False)
    taken = tally.jobs
    first, second, third = next(taken), next(taken), next(taken)
    tally.add(FileResult(third.source, third.target, "done"))
    tally.add(FileResult(first.source, first.target, "failed", reason="damaged"))
    left = list(tally.not_reached())
    assert [(result.source, result.status) for result in left] == [
        (second.source, "pending"),
        (Path("in/d.jpg"), "pending"),
        (Path("in/e.jpg"), "pending"),
    ]
    assert tally.counts == {"done": 1, "failed": 1, "pending": 3}
    assert tally.results == []
