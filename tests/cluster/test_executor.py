"""Whatever happens to a photo, a process or a machine of a cluster, every photo is done or told."""

from pathlib import Path

import pytest

from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.errors import CliphazeError
from tests.batch.test_pool import assert_done, jobs
from tests.cluster.machines import Machines, executor
from tests.imaging.samples import names_in

pytestmark = pytest.mark.cluster


def by_name(results: tuple[FileResult, ...]) -> dict[str, FileResult]:
    found = {result.source.stem: result for result in results}
    assert len(found) == len(results)
    return found


def test_photos_that_end_their_processes_are_told_and_the_others_done(tmp_path: Path, cluster: Machines) -> None:
    good = [str(number) for number in range(8)]
    bad = ["crash", "exit", "killed"]
    work = jobs(tmp_path, *good[:3], *bad, *good[3:])
    with executor(cluster) as workers:
        assert workers.prepared.notices == ("using a stand-in",)
        results = by_name(workers.run(work, lambda result: None).results)
    assert results.keys() == {*good, *bad}
    for name in bad:
        assert results[name].status == "failed"
        assert "crashed, 2 times" in (results[name].reason or "")
    for name in good:
        assert_done(results[name])
    assert sorted(names_in(tmp_path / "out")) == [f"{name}.png" for name in good]


def test_a_photo_that_hangs_is_ended_and_told(tmp_path: Path, cluster: Machines) -> None:
    with executor(cluster, limits=Limits(seconds=3, seconds_per_megapixel=0)) as workers:
        results = by_name(workers.run(jobs(tmp_path, "hang", "0", "1", "2", "3"), lambda result: None).results)
    assert "longer than 3 s" in (results["hang"].reason or "") and "--time-limit" in (results["hang"].reason or "")
    for name in "0123":
        assert_done(results[name])


def test_a_machine_that_dies_costs_no_photo_and_one_that_comes_is_used(tmp_path: Path, cluster: Machines) -> None:
    work = jobs(tmp_path, *(f"slow-{number}" for number in range(24)))
    told: list[FileResult] = []
    with executor(cluster) as workers:

        def happen(result: FileResult) -> None:
            told.append(result)
            if len(told) == 4:
                cluster.kill()
            if len(told) == 8:
                cluster.add()

        report = workers.run(work, happen)
    assert len(by_name(report.results)) == 24
    for result in report.results:
        assert_done(result)
    assert not [name for name in names_in(tmp_path / "out") if name.startswith(".")]


def test_photos_that_a_machine_does_not_see_are_refused_before_any_work(tmp_path: Path, cluster: Machines) -> None:
    with (
        pytest.raises(CliphazeError, match=r"does not see the folder .*elsewhere.*: photos must lie where"),
        executor(cluster, sources=(tmp_path / "elsewhere",)),
    ):
        pass
