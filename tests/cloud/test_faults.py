"""Stores that fail: each failure is one line, costs its photo alone, and leaves nothing half."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.pool import Pool
from cliphaze_cli.batch.shares import Shares
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.places import filesystem
from cliphaze_cli.places.remote import Remote
from cliphaze_cli.places.transfer import put
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import ImageError, OutputExistsError
from tests.batch import faulty
from tests.cli.dehazing import Dehaze
from tests.cli.outcome import Outcome
from tests.cloud.store import Store

pytestmark = pytest.mark.cloud


def one_line(run: Outcome, code: int, said: str) -> None:
    lines = [line for line in run.err.splitlines() if line.startswith("cliphaze: error: ")]
    assert run.code == code and len(lines) == 1 and said in lines[0], run.err
    assert "Traceback" not in run.err


@pytest.fixture(autouse=True)
def photos(store: Store) -> None:
    for name in ("a.png", "b.png"):
        store.put(name)


def test_what_is_seen_before_any_work_ends_it(
    dehaze: Dehaze, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one_line(dehaze("s3://nowhere/in", "out"), 2, "there is no bucket nowhere")
    one_line(dehaze("s3://photos", "s3://nowhere/out"), 2, "there is no bucket nowhere")
    one_line(dehaze("s3://photos", "out", "--report", "s3://nowhere/r.csv"), 2, "there is no bucket nowhere")
    one_line(dehaze("s3://photos/c.png", "out"), 2, "INPUT does not exist: s3://photos/c.png")
    one_line(dehaze("memory://photos", "out"), 2, "gone when its process ends")
    store.fail("GET /photos", "403")
    one_line(dehaze("s3://photos", "out"), 2, "the store refuses it (AccessDenied, says the test)")
    assert not (tmp_path / "out").exists() and store.names() == []


def test_missing_credentials(dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    one_line(
        dehaze("s3://photos", "out"),
        2,
        "found (Unable to locate credentials); set AWS_ACCESS_KEY_ID and",
    )


def test_no_network(dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    one_line(dehaze("s3://photos", "out"), 2, "the store at http://127.0.0.1:9 cannot be reached")


def test_an_endpoint_that_hangs(dehaze: Dehaze, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"connect_timeout": 1, "read_timeout": 0.3, "retries": {"total_max_attempts": 1}}
    monkeypatch.setitem(filesystem._S3_OPTIONS, "config_kwargs", config)
    store.fail("GET /photos/a.png", None, wait=2)
    one_line(dehaze("s3://photos", "s3://clear"), 1, "s3://photos/a.png: the store does not answer")
    assert store.names() == ["b.png"]


def test_busy_now_and_then(dehaze: Dehaze, store: Store) -> None:
    for request in ("GET /photos/a.png", "PUT /clear/a.png", "GET /photos/?.list-type", "HEAD /clear"):
        store.fail(request, "503", times=2)
    assert dehaze("s3://photos", "s3://clear").code == 0
    assert store.names() == ["a.png", "b.png"]


def test_busy_for_good(dehaze: Dehaze, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "_PAUSES", (0.01,))
    store.fail("PUT /clear/a.png", "503")
    one_line(dehaze("s3://photos", "s3://clear"), 1, "cannot write s3://clear/a.png: the store is busy")
    assert store.names() == ["b.png"]


def test_no_right_to_write(dehaze: Dehaze, store: Store) -> None:
    store.fail("PUT /clear/a.png", "403")
    one_line(dehaze("s3://photos", "s3://clear"), 1, "cannot write s3://clear/a.png: the store refuses it")
    store.fail("POST /clear/x/", "403")
    one_line(dehaze("s3://photos", "s3://clear/x"), 2, "cannot write in s3://clear/x: the store refuses it")
    assert store.names() == ["b.png"] and "Uploads" not in store.client.list_multipart_uploads(Bucket="clear")


def test_an_object_deleted_meanwhile(dehaze: Dehaze, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from cliphaze_cli.batch import pool

    real = pool.Pool.__enter__

    def deleting(self: Pool) -> Pool:
        store.client.delete_object(Bucket="photos", Key="a.png")
        return real(self)

    monkeypatch.setattr(pool.Pool, "__enter__", deleting)
    one_line(dehaze("s3://photos", "s3://clear"), 1, "cannot fetch s3://photos/a.png: there is no such object")
    assert store.names() == ["b.png"]


def test_another_run_that_was_faster_loses_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"ours")
    store.client.put_object(Bucket="clear", Key="a", Body=b"theirs")
    with pytest.raises(OutputExistsError):
        put(tmp_path / "file", Remote("s3", "clear/a"), replace=False)
    store.fail("PUT /clear/a", "412", times=1)  # as some stores say it
    with pytest.raises(OutputExistsError):
        put(tmp_path / "file", Remote("s3", "clear/a"), replace=False)
    for _ in range(2):
        store.fail("PUT /clear/", "501", times=1)  # and some have no such condition
    with pytest.raises(OutputExistsError):
        put(tmp_path / "file", Remote("s3", "clear/a"), replace=False)
    put(tmp_path / "file", Remote("s3", "clear/b"), replace=False)
    assert (store.content("a"), store.content("b")) == (b"theirs", b"ours")
    store.client.put_object(Bucket="clear", Key="a", Body=b"ours")  # a put whose answer was lost, asked again
    put(tmp_path / "file", Remote("s3", "clear/a"), replace=False)


def test_an_upload_in_parts_is_taken_back(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda *arguments, **options: 5 << 20)
    (tmp_path / "large").write_bytes(bytes(12 << 20))
    put(tmp_path / "large", Remote("s3", "clear/whole"), replace=False)
    assert store.client.head_object(Bucket="clear", Key="whole")["ContentLength"] == 12 << 20
    store.fail(r"PUT /clear/large\?.*partNumber=2", "403")
    with pytest.raises(ImageError, match="refuses"):
        put(tmp_path / "large", Remote("s3", "clear/large"), replace=True)
    assert store.names() == ["whole"]
    assert "Uploads" not in store.client.list_multipart_uploads(Bucket="clear")


def workers(limits: Limits | None = None) -> Pool:
    options = WorkOptions(faulty.load, Settings(), "cpu", limits or Limits())
    return Pool(options, Shares(1, cores_each=1, memory_each=None))


def jobs(*names: str) -> list[Job]:
    return [Job(Remote("s3", f"photos/{name}.png"), Remote("s3", f"clear/{name}.png")) for name in names]


def test_killed_and_slow_workers_cost_their_photos_and_leave_nothing(store: Store) -> None:
    """One is killed while it fetches, one while it puts, and one takes too long."""
    store.put("c.png")
    store.put("d.png")
    moments = ["GET /photos/a.png", "PUT /clear/b.png"]
    for moment in moments:
        store.fail(moment, "503", times=1, wait=2)
    store.fail("GET /photos/c.png", None, wait=12)

    def kill() -> None:
        for moment in moments:
            while not any(request.startswith(moment) for request in store.requests):
                time.sleep(0.02)
            os.kill(next(iter(pool._pool._pool_manager.worker_manager.workers)), signal.SIGKILL)

    with workers(Limits(seconds=8, seconds_per_megapixel=0)) as pool:
        thread = threading.Thread(target=kill)
        thread.start()
        report = pool.run(jobs("a", "b", "c", "d"), lambda result: None)
        thread.join()
    assert [result.status for result in report.results] == ["failed", "failed", "failed", "done"]
    reasons = [result.reason or "" for result in report.results]
    assert "cannot finish s3://photos/a.png: its process was killed" in reasons[0]
    assert "was killed" in reasons[1] and "took longer than 8 s" in reasons[2]
    assert store.names() == ["d.png"]


def test_an_interruption_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliphaze_cli.batch.pool.PATIENCE", 0.5)
    store.fail("GET /photos/a.png", None, wait=5)

    def interrupt() -> None:
        while not any(request.startswith("GET /photos/a.png") for request in store.requests):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    with workers() as pool:
        thread = threading.Thread(target=interrupt)
        thread.start()
        report = pool.run(jobs("a", "b"), lambda result: None)
        thread.join()
    assert report.interrupted and store.names() == []
