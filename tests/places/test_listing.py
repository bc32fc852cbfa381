"""What a remote folder holds, by a store in memory: once as disks list, once as object stores do."""

from typing import Any

import pytest

from cliphaze_cli.places import listing, look, remote
from cliphaze_cli.places.listing import entries
from cliphaze_cli.places.look import Look, kind
from cliphaze_cli.system.errors import UsageError
from tests.places import memory


@pytest.fixture(params=["folders", "objects"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "objects":
        monkeypatch.setattr(remote, "OBJECT_STORES", ("memory",))
    return str(request.param)


def listed(path: str, **options: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries(memory.place(path), **options):
        found.setdefault(entry.kind, []).append(entry.path)
    return {kind: sorted(paths) for kind, paths in found.items()}


def fill(*paths: str) -> None:
    for path in paths:
        memory.write(path)


def test_one_level(store: str) -> None:
    fill("in/b.jpg", "in/a.jpg", "in/.hidden.jpg", "in/sub/c.jpg", "in/.cache/d.jpg", "other/e.jpg")
    assert listed("in") == {"file": ["a.jpg", "b.jpg"], "folder": ["sub"]}


def test_all_levels_but_the_output(store: str) -> None:
    fill("in/a.jpg", "in/sub/deep/c.jpg", "in/.cache/d.jpg", "in/sub/.e/f.jpg", "in/clear/a.jpg", "in/clearer/a.jpg")
    found = listed("in", recursive=True, exclude=memory.place("in/clear"))
    assert found == {"file": ["a.jpg", "clearer/a.jpg", "sub/deep/c.jpg"]}


def test_names_that_lead_out_of_a_folder_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "OBJECT_STORES", ("memory",))
    names = ["a.jpg", "../../etc/b.jpg", "x/../c.jpg", "x//d.jpg", "x//e.jpg", "/f.jpg", "./g.jpg"]
    monkeypatch.setattr(listing, "names_below", lambda folder, *between: iter(names))
    found = listed("in", recursive=True)
    assert found == {"file": ["a.jpg"], "unreadable": ["", ".", "../../etc", "x/", "x/.."]}


def test_names_that_lead_elsewhere_on_windows(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_NOT_IN_NAMES", ("\\", ":"))
    fill("in/a.jpg", "in/..\\../b.jpg", "in/C:/c.jpg")
    assert listed("in", recursive=True) == {"file": ["a.jpg"], "unreadable": ["..\\..", "C:"]}


def test_a_folder_that_is_not_there_is_told(store: str) -> None:
    with pytest.raises(UsageError, match=r"cannot list memory://none: there is no"):
        listed("none")


def test_a_sub_folder_that_cannot_be_listed_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    fill("in/a.jpg", "in/locked/b.jpg")
    real = type(memory.memory()).ls

    def ls(self: Any, path: str, **options: Any) -> Any:
        if path.endswith("locked"):
            raise PermissionError("not yours")
        return real(self, path, **options)

    monkeypatch.setattr(type(memory.memory()), "ls", ls)
    assert listed("in", recursive=True) == {"file": ["a.jpg"], "unreadable": ["locked"]}
    why = next(entry.why for entry in entries(memory.place("in"), recursive=True) if entry.kind == "unreadable")
    assert why.startswith("the store refuses it (not yours)")


@pytest.mark.parametrize("folders", [1, 3, 40])
def test_outputs_are_looked_at_together(store: str, folders: int) -> None:
    places = [memory.place(f"out/{folder}/{name}.jpg") for folder in range(folders) for name in range(8)]
    there = [place for place in places if "3" in str(place)]
    fill("out/0/5.jpg/x", *(place.path for place in there))
    seen = Look()
    seen.prepare(places)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(look, "kind", None)  # nothing is asked any more
        assert [place for place in places if seen.is_file(place)] == there
        assert [place for place in places if seen.is_folder(place)] == [memory.place("out/0/5.jpg")]
    assert all(kind(place) == ("file" if place in there else None) for place in places[6:])
