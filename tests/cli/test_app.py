"""What every command has in common: help, exit codes, one line for expected failures, quiet pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli import __version__
from cliphaze_cli.cli import app, console
from cliphaze_cli.system.errors import CliphazeError, HubError, UsageError

HEAVY = ("torch", "torchvision", "open_clip", "numpy", "PIL", "cv2", "tifffile", "huggingface_hub", "safetensors")


def child(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def entry_point(*arguments: str, **streams: Any) -> "subprocess.CompletedProcess[str]":
    """The program as a child, its output captured where `streams` do not say otherwise."""
    return subprocess.run(
        [sys.executable, "-m", "cliphaze_cli", *arguments],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cliphaze", *arguments])
    with pytest.raises(SystemExit) as exit:
        app.main()
    return int(exit.value.code or 0)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["dehaze", "--help"], ["density", "--help"], ["download-weights", "-h"], ["dehaze"]],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    report = (
        "import atexit, sys;"
        f"atexit.register(lambda: print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules]));"
        "from cliphaze_cli.cli.app import main; main()"
    )
    result = child(report, *arguments)
    assert result.returncode == (2 if arguments == ["dehaze"] else 0)
    assert "HEAVY []" in result.stdout


def test_version(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capfd.readouterr().out == f"cliphaze {__version__}\n"


@pytest.mark.parametrize("arguments", [["dehaze"], ["dehaze", "a", "b", "--no-such"], ["no-such"], ["dehaze", "a"]])
def test_usage_errors_exit_2_and_leave_stdout_empty(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err


@pytest.mark.parametrize(("error", "code"), [(HubError("no network"), 1), (UsageError("no network"), 2)])
def test_expected_failures_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    monkeypatch.setattr("cliphaze_cli.cli.dehaze.plan", _raising(error))
    assert run(monkeypatch, "dehaze", "a", "b") == code
    assert capfd.readouterr().err == "cliphaze: error: no network\n"


def test_ctrl_c_anywhere_in_a_command_is_one_line_and_130(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cliphaze_cli.cli.dehaze.plan", _raising(KeyboardInterrupt()))
    assert run(monkeypatch, "dehaze", "a", "b") == 130
    assert capfd.readouterr().err == "cliphaze: error: interrupted\n"


LONG = "x" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ["dehaze", LONG, "out"],
        ["dehaze", "examples", LONG],
        ["dehaze", "examples", "out", "--report", f"{LONG}.json"],
        ["dehaze", "examples", "out", "--weights", LONG],
        ["density", LONG],
        ["density", "examples", "--prompts", LONG],
    ],
)
def test_a_name_that_is_too_long_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and "too long" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["download-weights", "--list", "--json"]])
def test_a_reader_that_went_away_is_no_drama(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "cliphaze_cli", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    os.close(writing)
    assert "Traceback" not in process.stderr
    assert "Broken" not in process.stderr
    assert "ignored" not in process.stderr


def test_json_survives_file_names_that_are_not_text() -> None:
    code = (
        "from cliphaze_cli.cli.console import Console;"
        r"Console(as_json=True).result({'ok': '\u00e9', 'odd': 'a\udcff'})"
    )
    result = child(code)
    assert json.loads(result.stdout) == {"ok": "é", "odd": "a\udcff"}


FULL = Path("/dev/full")  # a device on which every write fails for want of space


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_json_that_cannot_be_written_is_one_line() -> None:
    with FULL.open("w") as full:
        process = entry_point("info", "--json", stdout=full)
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1].startswith("cliphaze: error: cannot write the JSON document to standard out")
    assert "Traceback" not in process.stderr


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_work_goes_on_when_nobody_can_be_told() -> None:
    with FULL.open("w") as full:
        assert entry_point("info", stderr=full).returncode == 0


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_streams_that_are_closed(monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    """Services and programs without a console start without them: Python then has None in their place."""
    monkeypatch.setattr(sys, closed, None)
    silent = console.Console(as_json=True)
    silent.info("to nobody")
    if closed == "stdout":
        with pytest.raises(CliphazeError, match="standard output is closed"):
            silent.result({})
    else:
        silent.result({})
        assert not console.Console().shows_progress


def test_progress_only_for_people_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert console.Console().shows_progress
    assert not console.Console(as_json=True).shows_progress
    assert not console.Console(verbosity=-1).shows_progress
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert not console.Console().shows_progress


def _raising(error: BaseException) -> object:
    def fail(*args: object, **options: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_told_otherwise(given: str | None, expected: str) -> None:
    script = (
        "import os, sys\nfrom cliphaze_cli.cli.app import main\nsys.argv = ['cliphaze', '--version']\n"
        "try:\n    main()\nexcept SystemExit:\n    sys.stderr.write(os.environ['OMP_WAIT_POLICY'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert result.stderr == expected


def test_a_version_that_cannot_be_written_is_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        result = entry_point("--version", stdout=full)
    assert result.returncode == 1
    assert "cannot write the answer" in result.stderr and "Traceback" not in result.stderr
