"""`--watch` through the entry point: what is there is done, then what comes, until somebody ends it."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.batch.job import Job
from cliphaze_cli.cli import watch
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.report.storage import load
from tests.cli.batches import PATIENCE, wait_for
from tests.cli.dehazing import Dehaze, files_in, level, save
from tests.cli.in_process import InThisProcess
from tests.cli.process import start

pytest.importorskip("watchfiles")
Step = Callable[[], object]


@pytest.fixture
def while_watching(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let steps be taken one after the other while a watch waits, each once all is done that there is; then it ends."""
    monkeypatch.setattr("cliphaze_cli.batch.arrivals.MOMENT", 0.02)
    monkeypatch.setattr(watch, "_SHARE_OF_LOOKING", 1e6)

    def script(*steps: Step, looks: int = 3) -> None:
        def changes(folders: object, **options: object) -> Iterator[bool]:
            for step in (lambda: None, *steps):
                step()
                for _ in range(looks):
                    yield True
                    time.sleep(0.03)

        monkeypatch.setattr(watch, "changes", changes)

    return script


def states(report: Path) -> dict[str, str]:
    return {Path(record["source"]).name: record["status"] for record in load(report)["files"]}


def test_what_is_there_is_done_and_then_what_comes(
    tmp_path: Path, dehaze: Dehaze, while_watching: Callable[..., None]
) -> None:
    save(tmp_path / "in/a.png", 50)
    save(tmp_path / "in/sub/b.png", 50)
    save(tmp_path / "out/there.png", 7)
    save(tmp_path / "in/there.png", 50)
    reports: list[dict[str, str]] = []

    def comes() -> None:
        reports.append(states(tmp_path / "r.json"))
        save(tmp_path / "in/new/c.png", 60)
        for name in ("d.png.part", "e.jpg.crdownload", "f.tmp", ".g.png"):
            (tmp_path / "in" / name).write_bytes(b"half a photo")

    while_watching(comes)
    result = dehaze("in", "out", "--watch", "--recursive", "--report", "r.json", "--json", "--compare")
    assert result.code == 0
    assert reports == [{"a.png": "done", "b.png": "done", "there.png": "skipped"}]  # it grows
    assert states(tmp_path / "r.json") == {**reports[0], "c.png": "done"}
    assert result.document == json.loads((tmp_path / "r.json").read_text())
    assert result.document["exit_status"] == 0 and not result.document["interrupted"]
    names = [name for name in files_in(tmp_path / "out") if not name.endswith(".compare.jpg")]
    assert names == ["a.png", "new/c.png", "sub/b.png", "there.png"]
    assert (tmp_path / "out/new/c.compare.jpg").exists()
    assert level(tmp_path / "out/there.png") == 7
    assert result.err.count("in/new/c.png -> ") == 1 and "watching in for photos; Ctrl-C ends it" in result.err
    assert "3 dehazed, 1 skipped (outputs exist)" in result.err


def test_a_photo_that_fails_is_told_once_and_tried_again_when_it_changes(
    tmp_path: Path, dehaze: Dehaze, while_watching: Callable[..., None]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "in" / name).write_bytes(b"no photo")
    while_watching(
        lambda: None,
        lambda: save(tmp_path / "in/a.png", 60),
        (tmp_path / "in/b.png").unlink,
    )
    result = dehaze("in", "out", "--watch", "--report", "r.json")
    assert result.code == 1
    for name in ("a.png", "b.png", "c.png"):
        assert result.err.count(f"cannot read in/{name}") == 1
    assert states(tmp_path / "r.json") == {"a.png": "done", "c.png": "failed"}  # b is forgotten
    assert level(tmp_path / "out/a.png") == pytest.approx(120, abs=1)


def test_outputs_in_the_watched_folder_do_not_loop(
    tmp_path: Path, dehaze: Dehaze, while_watching: Callable[..., None]
) -> None:
    save(tmp_path / "in/a.png", 50)
    while_watching(
        lambda: save(tmp_path / "in/b.png", 60),
        (tmp_path / "in/a.png").unlink,  # and its output stays
    )
    assert dehaze("in", "in", "--watch", "--suffix", "_clear", "--density", "--compare").code == 0
    assert [name for name in files_in(tmp_path / "in") if name.endswith("_clear.png")] == ["a_clear.png", "b_clear.png"]
    assert not any("_clear_clear" in name for name in files_in(tmp_path / "in"))

    save(tmp_path / "more/a.png", 50)
    while_watching(lambda: save(tmp_path / "more/b.png", 60))
    assert dehaze("more", "more/out", "--watch", "--recursive").code == 0
    assert files_in(tmp_path / "more") == ["a.png", "b.png", "out/a.png", "out/b.png"]


def test_what_stands_in_the_way_is_told_once_and_waited_for(
    tmp_path: Path, dehaze: Dehaze, while_watching: Callable[..., None]
) -> None:
    save(tmp_path / "in/a.png", 50)

    def unplugged() -> None:
        (tmp_path / "out").rename(tmp_path / "drive")
        save(tmp_path / "in/b.png", 60)

    while_watching(
        unplugged,
        lambda: (tmp_path / "drive").rename(tmp_path / "out"),
        lambda: (tmp_path / "in").rename(tmp_path / "gone"),
        lambda: (tmp_path / "gone").rename(tmp_path / "in"),
        lambda: save(tmp_path / "in/c.png", 70),
        looks=6,
    )
    result = dehaze("in", "out", "--watch")
    assert result.code == 0
    assert result.err.count("the output folder out is gone") == 1 and result.err.count("INPUT does not exist") == 1
    assert files_in(tmp_path / "out") == ["a.png", "b.png", "c.png"]  # and no folder was made in its place


def test_a_folder_that_takes_no_outputs_is_told_once(
    tmp_path: Path, dehaze: Dehaze, while_watching: Callable[..., None]
) -> None:
    (tmp_path / "in").mkdir()

    def come() -> None:
        save(tmp_path / "in/sub/a.png", 50)
        (tmp_path / "out/sub").write_text("a file where a folder is needed")

    while_watching(come, (tmp_path / "out/sub").unlink, looks=6)
    result = dehaze("in", "out", "--watch", "-r")
    assert result.code == 0 and result.err.count("cannot create the output folder out/sub") == 1
    assert files_in(tmp_path / "out") == ["sub/a.png"]


def test_two_photos_for_one_output_are_told(
    tmp_path: Path, dehaze: Dehaze, while_watching: Callable[..., None]
) -> None:
    (tmp_path / "in").mkdir()

    def come() -> None:
        for name in ("a.bmp", "a.png"):
            save(tmp_path / "in" / name)

    while_watching(come)
    result = dehaze("in", "out", "--watch", "--format", "png")
    assert result.err.count("would replace it") == 1 and result.code == 1
    assert files_in(tmp_path / "out") == ["a.png"]


class Interrupted(InThisProcess):
    """Is told to end after the first photo of a batch."""

    interrupted = True

    def taken(self, jobs: Iterable[Job]) -> Iterable[Job]:
        return list(jobs)[:1]


@pytest.mark.parametrize(("photos", "code"), [(1, 0), (3, 130)])
def test_the_end_of_a_watch_is_an_interruption_only_if_it_cut_something(
    tmp_path: Path,
    dehaze: Dehaze,
    while_watching: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    photos: int,
    code: int,
) -> None:
    monkeypatch.setattr("cliphaze_cli.batch.pool.Pool", Interrupted)
    for index in range(photos):
        save(tmp_path / "in" / f"{index}.png")
    while_watching(lambda: save(tmp_path / "in/more.png"))
    result = dehaze("in", "out", "--watch", "--report", "r.csv", "--json")
    assert result.code == code and result.document["interrupted"] == bool(code)
    assert (f"interrupted with {photos - 1} photos left" in result.err) == bool(code)
    assert list(states(tmp_path / "r.csv").values()).count("pending") == photos - 1
    assert files_in(tmp_path / "out") == ["0.png"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--retry", "r.json", "--watch"), "--watch and --retry contradict each other"),
        (("in", "out", "--watch", "--overwrite"), "leave --overwrite out"),
        (("in", "out", "--watch", "--compare-sheet", "s.jpg"), "give --compare with --watch"),
        (("-", "out", "--watch"), "and - is none"),
        (("in", "-", "--watch"), "name a folder"),
        (("in", "in/a.png", "out", "--watch"), "and in/a.png is none"),
        (("in", "out.png", "--watch"), "OUTPUT must be one too"),
        (("in", "in", "--watch"), "is an input"),
        (("in", "out", "--watch", "--report", "r.txt"), "--report takes a name"),
    ],
)
def test_what_contradicts_it_is_refused_in_one_line(
    tmp_path: Path, dehaze: Dehaze, arguments: tuple[str, ...], complaint: str
) -> None:
    save(tmp_path / "in/a.png")
    result = dehaze(*arguments)
    assert result.code == 2 and len(result.err.splitlines()) == 1 and complaint in result.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in"]


def test_without_the_library_it_is_refused(tmp_path: Path, dehaze: Dehaze, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "in/a.png")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = dehaze("in", "out", "--watch")
    assert result.code == 2 and 'pip install "cliphaze[watch]"' in result.err


def test_full_folders_are_not_looked_through_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Any = type("Clock", (), {"now": 100.0, "monotonic": lambda self: self.now})()
    monkeypatch.setattr(watch, "time", clock)

    class Journal:
        results: tuple[FileResult, ...] = ()
        looked = begun = staticmethod(lambda _: None)

    def look() -> Any:
        clock.now += 2.0
        return watch.Plan(())

    state = watch._Watch(watch.Console(), Journal(), watch.Pictures(), None)  # type: ignore[arg-type]
    assert state.is_due(False)
    state.ready(watch.Watched([], Path(), False, look))
    assert not state.is_due(True)
    clock.now += 10.0
    assert state.is_due(False)  # what changed before is not forgotten
    state.ready(watch.Watched([], Path(), False, look))
    clock.now += 30.0
    assert not state.is_due(False)
    clock.now += 31.0
    assert state.is_due(False)  # nobody told of a change, as on some network drives


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_ends_a_real_watch(tmp_path: Path, doubling_weights: Path) -> None:
    save(tmp_path / "in/a.png", 50)
    os.utime(tmp_path / "in/a.png", (1e9, 1e9))
    process = start("dehaze", "in", "out", "--watch", "--no-clip", "--weights", doubling_weights, cwd=tmp_path)
    try:
        wait_for((tmp_path / "out/a.png").exists, process)
        save(tmp_path / "b.png", 60)
        os.utime(tmp_path / "b.png", (1e9, 1e9))
        (tmp_path / "b.png").rename(tmp_path / "in/b.png")
        wait_for((tmp_path / "out/b.png").exists, process)
        threading.Event().wait(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "2 dehazed in" in err and "Traceback" not in err
    assert files_in(tmp_path / "out") == ["a.png", "b.png"]
