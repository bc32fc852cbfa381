"""Plans of any length: lists outside of the memory, and folders planned some at a time."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cliphaze_cli.batch import job_list, pair_list
from cliphaze_cli.batch import plan as planning
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.job_list import JobList
from cliphaze_cli.batch.naming import PhotoNames
from cliphaze_cli.batch.pair_list import Folders, PairList
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.plan import plan as plan_all
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.system import temporary_store
from cliphaze_cli.system.errors import UsageError
from cliphaze_cli.system.temporary_store import TemporaryStore

Touch = Callable[..., None]


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_list, "_TOGETHER", 2)
    monkeypatch.setattr(pair_list, "_TOGETHER", 2)
    monkeypatch.setattr(planning, "_TOGETHER", 2)


@pytest.fixture
def touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Touch:
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> None:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

    return make


def plan(*paths: str, **options: bool) -> Plan:
    return plan_all([Path(path) for path in paths[:-1]], Path(paths[-1]), PhotoNames(), **options)


def planned(work: Plan) -> list[tuple[str, str]]:
    return sorted((str(job.source), str(job.target)) for job in work.jobs)


def jobs(*names: str) -> list[Job]:
    return [Job(Path("in", name), Remote("s3", f"out/{name}"), (Path("out", f"{name}.png"),)) for name in names]


def test_a_job_list_is_a_list() -> None:
    some = jobs("a", "b", "c", "d", "e")
    made = JobList(some[:3])
    made.extend(some[3:])
    assert len(made) == 5 and list(made) == some == list(made)
    assert some[1] in made and jobs("z")[0] not in made
    assert [pair for pair in zip(made, made, strict=True)] == [(job, job) for job in some]  # noqa: C416 - side by side
    assert not JobList() and list(JobList()) == []


def test_what_is_stored_is_given_back_from_memory_and_from_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_store, "_IN_MEMORY", 100)
    store = TemporaryStore()
    values = [os.urandom(30), "name \udcff", list(range(50)), None]
    places = [store.put(value) for value in values]
    assert [store.get(place) for place in reversed(places)] == values[::-1]


def test_a_full_temporary_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TemporaryStore()

    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._file, "write", full)
    with pytest.raises(UsageError, match=f"list of photos in {tempfile.gettempdir()}: No space left.*set TMPDIR"):
        store.put("photo")


def test_pairs_come_back_by_the_folder_they_are_written_to() -> None:
    pairs = PairList()
    for name in ("a", "b", "c"):
        pairs.add(Path("x", name), Path("out/sub", name))
        pairs.add(Path("y", name), Path("OUT/sub", name))  # the same on some disks
        pairs.add(Path("z", name), Remote("s3", f"bucket/{name}"))
    pairs.add(Remote("memory", "d"), Path("d"))
    assert len(pairs) == 10 and pairs.target_buckets == {Remote("s3", "bucket")}
    groups = [{str(source) for source, _ in group} for group in pairs.groups]
    assert groups == [{"x/a", "x/b", "x/c", "y/a", "y/b", "y/c"}, {"z/a", "z/b", "z/c"}, {"memory://d"}]
    assert len(set(pairs.sources)) == 10


def test_outputs_of_earlier_runs_are_no_sources_where_they_lie_beside_them() -> None:
    pairs = PairList()
    for name in ("a", "b", "a_x", "b_x", "c_x"):
        pairs.add_in(Folders(Path("in"), Path("in"), in_place=True), name, f"{name}_x")
    assert sorted(source.name for source in pairs.sources) == ["a", "b", "c_x"]


def test_a_plan_in_parts_is_the_plan(touch: Touch, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(*(f"in/{folder}/{name}.jpg" for folder in ("p", "q/r", "s") for name in "abc"), "in/z.jpg", "out/s/b.jpg")
    options = {"recursive": True, "skip_existing": True}
    in_parts = plan("in/p/b.jpg", "in", "in/q", "out", **options)
    monkeypatch.setattr(planning, "_TOGETHER", 1000)
    whole = plan("in/p/b.jpg", "in", "in/q", "out", **options)
    assert planned(in_parts) == planned(whole)
    # The first mention of a photo decides where it goes.
    assert dict(planned(whole))["in/p/b.jpg"] == "out/b.jpg" and dict(planned(whole))["in/q/r/a.jpg"] == "out/q/r/a.jpg"
    assert [str(job.source) for job in in_parts.skipped] == ["in/s/b.jpg"]
    assert len(in_parts.jobs) == len(in_parts.skipped) + 8


def test_names_that_collide_are_found_in_every_part(touch: Touch) -> None:
    touch("in/p/a.jpg", "in/p/b.jpg", "in/q/a.jpg", "in/q/b.jpg", "more/q/b.jpg", "more/q/c.jpg")
    work = plan("in", "more", "out", recursive=True)
    assert [str(job.source) for job, _ in work.refused] == ["more/q/b.jpg"]
    assert len(work.jobs) == 5


def test_all_that_is_in_the_way_is_counted(touch: Touch) -> None:
    names = [f"{folder}/{name}.jpg" for folder in "pqr" for name in "abc"]
    touch(*(f"in/{name}" for name in names), *(f"out/{name}" for name in names[2:8]))
    with pytest.raises(UsageError, match=r"6 outputs exist already \(first: out/p/c.jpg\)"):
        plan("in", "out", recursive=True)


@pytest.mark.parametrize("link", [os.link, lambda at, there: Path(there).symlink_to(Path(at).resolve())])
@pytest.mark.parametrize("by", ["an output", "an input"])
def test_an_output_that_is_an_input_of_another_part_by_a_link(touch: Touch, link: Callable[..., None], by: str) -> None:
    touch(*(f"in/{folder}/{name}.jpg" for folder in "pqr" for name in "abc"), "out/r/x")
    if by == "an output":
        link("in/p/a.jpg", "out/r/c.jpg")
    else:
        Path("in/p/a.jpg").unlink()
        touch("out/r/c.jpg")
        link("out/r/c.jpg", "in/p/a.jpg")
    for options in ({"overwrite": True}, {"skip_existing": True}, {}):
        with pytest.raises(UsageError, match=r"the output out/r/c.jpg is an input \(in/p/a.jpg\)"):
            plan("in", "out", recursive=True, **options)


def test_an_output_may_be_there_that_is_no_input(touch: Touch) -> None:
    touch(*(f"in/{name}.jpg" for name in "abc"), "out/a.jpg", "out/c.jpg")
    assert len(plan("in", "out", overwrite=True).jobs) == 3
