"""From bucket to bucket on a cluster: the photos go from the store to the workers and back, and the report into it."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.cli.batches import PATIENCE
from tests.cli.conftest import doubling_weights
from tests.cli.process import start
from tests.cloud.conftest import server, store
from tests.cloud.store import SECRET, Store
from tests.cluster.machines import Machines

__all__ = ["doubling_weights", "server", "store"]

pytestmark = pytest.mark.cluster


def test_photos_and_the_report_lie_in_buckets(
    store: Store, doubling_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # Ray's sockets need a short path
    monkeypatch.delenv("TMPDIR")
    for number in range(6):
        store.put(f"in/{number % 2}/{number}.png")
    store.client.put_object(Bucket="photos", Key="in/bad.png", Body=b"no photo")
    machines = Machines()  # with the store's credentials in their environment
    try:
        given = ("--cluster", machines.address, "--weights", doubling_weights, "--report", "s3://clear/r.json")
        run = start("dehaze", "s3://photos/in", "s3://clear/out", "--recursive", *given, cwd=tmp_path)
        out, err = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
        machines.close()
    assert run.returncode == 1, err
    assert "cannot read s3://photos/in/bad.png: not a" in err and SECRET not in out + err
    assert store.names() == [*(f"out/{number % 2}/{number}.png" for number in (0, 2, 4, 1, 3, 5)), "r.json"]
    assert store.level("out/1/3.png") == pytest.approx(120, abs=2)  # the weights double
    report = json.loads(store.content("r.json"))
    assert sorted(one["target"] for one in report["files"] if one["status"] == "done") == [
        f"s3://clear/out/{number % 2}/{number}.png" for number in (0, 2, 4, 1, 3, 5)
    ]
    assert report["failed"] == 1
