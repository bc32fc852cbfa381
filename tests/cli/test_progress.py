"""The progress bar: on a terminal it counts and tells the rate; elsewhere it is silent."""

import io

import pytest

from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.progress import progress_bar, rate


@pytest.mark.parametrize(("speed", "text"), [(None, ""), (0.0, ""), (2.5, "2.5 photos/s"), (0.125, "8.0 s/photo")])
def test_rate(speed: float | None, text: str) -> None:
    assert rate(speed) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_the_count_and_everybody_else_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in ((Terminal(), "3/3"), (Terminal(), " left"), (Terminal(), " elapsed"), (io.StringIO(), "")):
        monkeypatch.setattr("sys.stderr", stream)
        with progress_bar(Console(), total=3) as advance:
            for _ in range(3):
                advance()
        assert (expected in stream.getvalue()) if expected else not stream.getvalue()
