"""Remote inputs and outputs are planned and refused as folders are."""

import re
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.batch.naming import MapNames, PhotoNames
from cliphaze_cli.batch.plan import Plan, plan, plan_pairs
from cliphaze_cli.batch.refusals import refuse_report
from cliphaze_cli.imaging.density_map import density_paths
from cliphaze_cli.places import remote
from cliphaze_cli.places.remote import Place, Remote
from cliphaze_cli.system.errors import UsageError
from tests.places import memory
from tests.places.memory import place


@pytest.fixture(autouse=True, params=["folders", "objects"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "objects":
        monkeypatch.setattr(remote, "OBJECT_STORES", ("memory",))
    memory.write("out/something.txt")  # a bucket exists by what is in it here


def fill(*paths: str) -> None:
    for path in paths:
        memory.write(path)


def planned(*places: Place, names: Any = None, **options: Any) -> Plan:
    return plan(places[:-1], places[-1], names or PhotoNames(), **options)


def pairs(plan: Plan) -> dict[str, str]:
    return {str(job.source): str(job.target) for job in plan.jobs}


def test_a_folder_mirrored() -> None:
    fill("in/b.jpg", "in/sub/c.nef", "in/a.JPG", "in/.h.jpg", "in/v.gif", "in/n.txt", "in/a.density.png")
    made = planned(place("in"), place("out/x"), recursive=True)
    assert pairs(made) == {
        "memory://in/a.JPG": "memory://out/x/a.JPG",
        "memory://in/b.jpg": "memory://out/x/b.jpg",
        "memory://in/sub/c.nef": "memory://out/x/sub/c.tif",
    }
    assert (made.left_out, made.ignored) == ({"GIF": 1}, 2)
    assert list(pairs(planned(place("in"), place("out")))) == ["memory://in/a.JPG", "memory://in/b.jpg"]


def test_local_and_remote_together(tmp_path: Path) -> None:
    fill("in/a.jpg", "b.jpg")
    (tmp_path / "c.jpg").touch()
    made = planned(place("in"), tmp_path, place("b.jpg"), place("out"))
    assert [target.rpartition("/")[2] for target in pairs(made).values()] == ["a.jpg", "c.jpg", "b.jpg"]
    made = planned(place("in"), place("b.jpg"), tmp_path / "out")
    assert [job.target for job in made.jobs] == [tmp_path / "out/a.jpg", tmp_path / "out/b.jpg"]
    assert not any(job.is_local for job in made.jobs)


def test_a_photo_given_twice_is_one_and_two_with_one_output_are_one() -> None:
    fill("in/a.jpg", "in2/a.jpg")
    assert len(planned(place("in"), place("in/a.jpg"), place("out")).jobs) == 1
    made = planned(place("in"), place("in2"), place("out"))
    assert len(made.jobs) == 1 and "memory://in/a.jpg is written to memory://out/a.jpg" in made.refused[0][1]


def test_existing_outputs() -> None:
    fill("in/a.jpg", "in/b.jpg", "out/a.jpg")
    with pytest.raises(UsageError, match=r"1 output exists already \(memory://out/a.jpg\)"):
        planned(place("in"), place("out"))
    made = planned(place("in"), place("out"), skip_existing=True)
    assert (len(made.jobs), len(made.skipped)) == (1, 1)
    assert len(planned(place("in"), place("out"), overwrite=True).jobs) == 2


def test_maps_that_exist() -> None:
    fill("in/a.jpg", "out/a.density-overlay.png")
    for names in (PhotoNames(extra_outputs=density_paths), MapNames(density_paths)):
        with pytest.raises(UsageError, match=r"a\.density-overlay\.png"):
            planned(place("in"), place("out"), names=names)


def test_one_photo_to_a_file_or_into_a_folder() -> None:
    fill("in/a.jpg")
    assert pairs(planned(place("in/a.jpg"), place("out/b.png"))) == {"memory://in/a.jpg": "memory://out/b.png"}
    assert pairs(planned(place("in/a.jpg"), place("out"))) == {"memory://in/a.jpg": "memory://out/a.jpg"}


@pytest.mark.parametrize(
    ("inputs", "output", "why"),
    [
        (["in"], "in", "the output memory://in/a.jpg is an input"),
        (["in"], "out/x.jpg", "looks like a file"),
        (["in"], "in/a.jpg", "is a file"),
        (["in/none.jpg"], "out", "INPUT does not exist: memory://in/none.jpg"),
        (["in/v.gif"], "out", "is a GIF file"),
        (["in/a.jpg"], "out/a.gif", "cannot be written"),
        (["in/a.jpg", "in/b.jpg"], "out/c.jpg", "looks like a file"),
    ],
)
def test_refusals(inputs: list[str], output: str, why: str) -> None:
    fill("in/a.jpg", "in/b.jpg", "in/v.gif")
    with pytest.raises(UsageError, match=re.escape(why)):
        planned(*map(place, inputs), place(output), overwrite=True)


def test_a_folder_under_the_name_of_an_output() -> None:
    fill("in/a.jpg", "out/a.jpg/x")
    with pytest.raises(UsageError, match="a folder of that name is in the way"):
        planned(place("in"), place("out"))


def test_a_name_that_a_store_cannot_have(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    try:
        for name in ("\udce9.jpg", "a.jpg"):
            (tmp_path / "in" / name).touch()
    except OSError:
        pytest.skip("no such names here")
    made = planned(tmp_path / "in", place("out"))
    assert len(made.jobs) == 1 and "is not UTF-8" in made.refused[0][1]


def test_what_can_only_be_read_is_no_output(tmp_path: Path) -> None:
    web = Remote("https", "host/out")
    fill("in/a.jpg")
    with pytest.raises(UsageError, match="can only be read"):
        planned(place("in"), web)
    with pytest.raises(UsageError, match="can only be read"):
        refuse_report(web / "r.json", [], overwrite=False)


def test_reports() -> None:
    fill("in/a.csv", "out/r.json")
    refuse_report(place("out/r.csv"), [], overwrite=False)
    refuse_report(place("out/r.json"), [], overwrite=True)
    with pytest.raises(UsageError, match="exists already"):
        refuse_report(place("out/r.json"), [], overwrite=False)
    with pytest.raises(UsageError, match="would replace"):
        refuse_report(place("in/a.csv"), [place("in/a.csv")], overwrite=True)


def test_a_bucket_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "OBJECT_STORES", ("memory",))
    fill("in/a.jpg")
    with pytest.raises(UsageError, match="there is no bucket nowhere"):
        planned(place("in"), place("nowhere/x"))
    with pytest.raises(UsageError, match="there is no bucket nowhere"):
        plan_pairs([(place("in/a.jpg"), place("nowhere/a.jpg"))], PhotoNames())
