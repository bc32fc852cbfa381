"""SIGTERM is an interruption, but only where nobody decided otherwise."""

import os
import signal
import subprocess
import sys

import pytest

from cliphaze_cli import __main__ as program
from cliphaze_cli.batch.interruption import noted_interruptions
from cliphaze_cli.cli.signals import termination_interrupts


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_request_to_end_interrupts(name: str) -> None:
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        with pytest.raises(KeyboardInterrupt), termination_interrupts():
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)  # returns at once: the handler raises
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with termination_interrupts():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_while_photos_are_worked_on_requests_are_counted() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    own = [signal.signal(number, signal.default_int_handler) for number in numbers]  # in the background, ignored ones
    try:
        with termination_interrupts(), noted_interruptions() as count:
            assert count() == 0
            for number in numbers:
                os.kill(os.getpid(), number)
            assert count() == 2
        assert [signal.getsignal(number) for number in numbers] == [signal.default_int_handler] * 2
    finally:
        for number, handler in zip(numbers, own, strict=True):
            signal.signal(number, handler)


def test_an_interruption_while_modules_are_imported_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "cliphaze_cli.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "cliphaze_cli.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 130


@pytest.mark.parametrize(
    ("name", "quiet"), [("/usr/bin/cliphaze", True), ("-m", True), ("photos.py", False), (None, False)]
)
def test_as_the_command_ctrl_c_is_quiet_from_the_first_line_on(name: str | None, quiet: bool) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.argv = {[name] if name else []!r}\n"
        "import cliphaze_cli; print(signal.getsignal(signal.SIGINT) == signal.SIG_DFL)\n"
        "from cliphaze_cli.__main__ import _take_over_ctrl_c; _take_over_ctrl_c()\n"
        "print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.split() == [str(quiet), "True"]
