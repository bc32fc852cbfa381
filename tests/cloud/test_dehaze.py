"""`cliphaze dehaze` and `density` from, to and between buckets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.batch import plan
from cliphaze_cli.batch.naming import PhotoNames
from cliphaze_cli.places import filesystem, listing, look
from cliphaze_cli.places.remote import Remote
from tests.cli.dehazing import Dehaze, files_in, level, save
from tests.cli.test_density import Density
from tests.cloud.store import KEY, SECRET, Store

pytestmark = pytest.mark.cloud


def test_from_bucket_to_bucket(real_dehaze: Dehaze, store: Store) -> None:
    for name in ("in/a.png", "in/sub/b.png", "in/.hidden.png", "in/n.txt", "in/", "in/sub/"):
        store.put(name)
    run = real_dehaze("s3://photos/in", "s3://clear/out/", "--recursive", "--report", "s3://clear/report.csv")
    assert run.code == 0 and "2 dehazed" in run.err
    assert store.names() == ["out/a.png", "out/sub/b.png", "report.csv"]
    assert store.level("out/a.png") == pytest.approx(120, abs=2)  # the weights double
    assert b"s3://photos/in/sub/b.png,s3://clear/out/sub/b.png,done," in store.content("report.csv")


def test_from_folder_to_bucket_and_back(dehaze: Dehaze, store: Store, tmp_path: Path) -> None:
    save(tmp_path / "in/a.jpg")
    assert dehaze("in", "s3://clear").code == 0
    assert store.names() == ["a.jpg"]
    assert store.client.head_object(Bucket="clear", Key="a.jpg")["ContentType"] == "image/jpeg"
    assert dehaze("s3://clear/a.jpg", "b.png").code == 0
    assert level(tmp_path / "b.png") == pytest.approx(240, abs=4)
    save(tmp_path / "in/b.jpg")
    assert dehaze("s3://clear/", "in/b.jpg", "out").code == 0
    assert files_in(tmp_path / "out") == ["a.jpg", "b.jpg"]


def test_what_is_there_is_refused_skipped_or_replaced(dehaze: Dehaze, store: Store) -> None:
    store.put("in/a.png")
    store.put("in/b.png")
    store.put("a.png", level=7, bucket="clear")
    refused = dehaze("s3://photos/in", "s3://clear")
    assert refused.code == 2 and "1 output exists already (s3://clear/a.png)" in refused.err
    assert store.names() == ["a.png"] and store.level("a.png") == 7
    assert dehaze("s3://photos/in", "s3://clear", "--skip-existing").code == 0
    assert store.names() == ["a.png", "b.png"] and store.level("a.png") == 7
    assert dehaze("s3://photos/in", "s3://clear", "--overwrite").code == 0
    assert store.level("a.png") == pytest.approx(120, abs=2)
    same = dehaze("s3://photos/in", "s3://photos/in", "--overwrite")
    assert same.code == 2 and "is an input" in same.err


@pytest.mark.parametrize("recursive", [False, True])
def test_pages(store: Store, recursive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a.png", "b.png", "b/c.png", "d/e.png", "f.png"]
    for name in names:
        store.put(f"in/{name}")
    real = listing._s3_page
    monkeypatch.setattr(listing, "_s3_page", lambda request, *more: real(request | {"MaxKeys": 2}, *more))
    found = [entry.path for entry in listing.entries(Remote("s3", "photos/in"), recursive=recursive)]
    assert sorted(found) == (names if recursive else ["a.png", "b", "b.png", "d", "f.png"])
    assert len(store.requests) - len(names) == 3


def test_a_plan_in_parts_asks_for_no_name_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = ["a", "a-b", "b/c", "b/c-d", "z"]
    for name in (f"{folder}/{number}.png" for folder in folders for number in range(3)):
        store.put(f"in/{name}")
    for name in ("a-b/1.png", "b/c/0.png", "b/c/2.png", "z/1.png", "zz/1.png"):
        store.put(f"out/{name}", bucket="clear")
    monkeypatch.setattr(plan, "_TOGETHER", 6)
    monkeypatch.setattr(look, "_MANY_FOLDERS", 1)
    asked: list[str] = []
    real = listing.names_below

    def names_below(*between: Any) -> Iterator[str]:
        for name in real(*between):
            asked.append(name)
            yield name

    monkeypatch.setattr(look.listing, "names_below", names_below)
    made = plan.plan(
        [Remote("s3", "photos/in")], Remote("s3", "clear/out"), PhotoNames(), recursive=True, skip_existing=True
    )
    skipped = sorted(str(job.target) for job in made.skipped)
    assert skipped == [f"s3://clear/out/{name}" for name in ("a-b/1.png", "b/c/0.png", "b/c/2.png", "z/1.png")]
    assert len(made.jobs) == 11
    assert asked[15:] == ["a-b/1.png", "c/0.png", "c/2.png"]  # after all inputs; the last folder alone is one listing


def test_maps(dehaze: Dehaze, network: Density, store: Store) -> None:
    store.put("a.png")
    assert dehaze("s3://photos/a.png", "s3://clear/", "--density").code == 0
    assert store.names() == ["a.density-overlay.png", "a.density.png", "a.png"]
    run = network("s3://photos/a.png", "--npy", "-o", "s3://clear/maps")
    assert run.code == 0 and run.out.startswith("s3://photos/a.png: mean haze density 0.5")
    assert store.names()[-3:] == [f"maps/a.density{ending}" for ending in ("-overlay.png", ".npy", ".png")]
    assert network("s3://photos/").code == 0  # beside the photo
    assert store.names("photos") == ["a.density-overlay.png", "a.density.png", "a.png"]


def test_exif_survives(dehaze: Dehaze, store: Store, tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F] = "a camera"
    save(tmp_path / "a.jpg", exif=exif)
    assert dehaze("a.jpg", "s3://clear/a.jpg").code == 0
    assert dehaze("s3://clear/a.jpg", "b.jpg").code == 0
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif()[0x010F] == "a camera"


def test_standard_streams(dehaze: Dehaze, store: Store, tmp_path: Path) -> None:
    refused = dehaze("-", "s3://photos/", "s3://clear/")
    assert refused.code == 2 and "one INPUT" in refused.err


def test_an_interrupted_run_is_finished_by_its_report(dehaze: Dehaze, store: Store, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        store.put(f"{name}.png")
    assert dehaze("s3://photos", "s3://clear", "--report", "s3://clear/r.json").code == 0
    document = json.loads(store.content("r.json"))
    for each, status in zip(document["files"], ("done", "pending", "pending"), strict=True):
        each["status"] = status
    document["exit_status"] = None  # it was killed
    document["started"] = document["started"].replace("+00:00", "Z")
    store.client.put_object(Bucket="clear", Key="r.json", Body=json.dumps(document).encode())
    store.client.delete_object(Bucket="clear", Key="c.png")
    run = dehaze("--retry", "s3://clear/r.json", "--report", "r2.json")
    assert run.code == 0 and "1 dehazed, 1 skipped" in run.err
    statuses = [each["status"] for each in json.loads((tmp_path / "r2.json").read_text())["files"]]
    assert statuses == ["skipped", "done"] and "c.png" in store.names()


@pytest.mark.parametrize("fault", ["none", "403", "nobody", "half"])
def test_no_credentials_in_any_output(
    dehaze: Dehaze, store: Store, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a.png")
    store.put("b.png")
    if fault == "403":
        store.fail("GET /photos/a.png", "403")
    elif fault == "nobody":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    elif fault == "half":
        monkeypatch.setattr(filesystem, "_PAUSES", (0.01,))
        store.fail("PUT", "500")
    run = dehaze("s3://photos", "s3://clear", "--json", "--verbose", "--report", "r.json", "--overwrite")
    report = (tmp_path / "r.json").read_text() if (tmp_path / "r.json").exists() else ""
    for text in (run.out, run.err, report):
        assert SECRET not in text and KEY not in text and "Signature" not in text
    assert run.code == {"none": 0, "403": 1, "nobody": 2, "half": 1}[fault]
