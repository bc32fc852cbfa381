"""Two runs into one folder at the same time: they share the work or leave each other's files alone."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from tests.cli.batches import PATIENCE, assert_whole, is_result_of, make_photos, wait_for
from tests.cli.process import start


def end(process: "subprocess.Popen[str]") -> tuple[int, list[dict[str, Any]]]:
    """(exit code, what is told of each file)."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert "Traceback" not in err
    return process.returncode, json.loads(out)["files"] if out else []


def test_runs_that_skip_what_exists_share_the_work(tmp_path: Path, doubling_weights: Path) -> None:
    """And one more, killed while they work, leaves nothing that is not tidied up."""
    names = make_photos(tmp_path / "in", 30)
    arguments = ("dehaze", "in", "out", "--skip-existing", "--no-clip", "--json", "--weights", doubling_weights)
    first, victim = start(*arguments, cwd=tmp_path), start(*arguments, cwd=tmp_path)
    wait_for((tmp_path / "out" / names[2]).exists, first)
    victim.kill()
    victim.communicate()
    second = start(*arguments, cwd=tmp_path)
    ends = [end(first), end(second)]
    assert [code for code, _ in ends] == [0, 0]
    done = Counter(Path(one["source"]).name for _, files in ends for one in files if one["status"] == "done")
    assert max(done.values()) == 1  # none was made by both
    assert {one["status"] for _, files in ends for one in files} <= {"done", "skipped"}
    assert all(len(files) == len(names) for _, files in ends)
    assert assert_whole(tmp_path / "out", tmp_path / "in", leftovers=True) == names


def test_runs_of_different_photos_of_the_same_names_keep_what_is_there(tmp_path: Path, doubling_weights: Path) -> None:
    inputs = [tmp_path / "one", tmp_path / "other"]
    for seed, folder in enumerate(inputs):
        names = make_photos(folder, 15, seed=seed)
    arguments = ("--no-clip", "--json", "--weights", doubling_weights)
    runs = [start("dehaze", folder, "out", *arguments, cwd=tmp_path) for folder in inputs]
    ends = [end(process) for process in runs]
    for name in names:
        made_by = [
            folder
            for folder, (_, files) in zip(inputs, ends, strict=True)
            for one in files
            if one["status"] == "done" and Path(one["source"]).name == name
        ]
        assert len(made_by) == 1
        assert is_result_of(tmp_path / "out" / name, made_by[0] / name)
    for code, files in ends:
        failed = [one for one in files if one["status"] == "failed"]
        assert code in ((1,) if failed else (0, 2))  # 2: the other one had begun before this one planned
        assert all("exists by now" in one["reason"] for one in failed)
