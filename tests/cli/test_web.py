"""`cliphaze web`: what it says before and while it serves. The page itself is tested in tests/web."""

import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

from cliphaze_cli.cli import app

web: Any = sys.modules["cliphaze_cli.cli.web"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cliphaze", "web", *arguments])
    with pytest.raises(SystemExit) as exit:
        app.main()
    return int(exit.value.code or 0)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be served, and which pages were opened."""
    pytest.importorskip("uvicorn", reason="the extra `web` is not installed")
    from cliphaze_cli.web import server

    told: list[Any] = []

    def serve(options: Any, host: str, port: int, ready: Callable[[str, str], object]) -> None:
        told.append((options, host, port))
        ready(f"http://{host}:{port}/", "tiny on cpu")

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr(server, "show_in_browser", told.append)
    return told


def test_without_the_extra_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web, "_NEEDED", ("no_such_package",))
    assert run(monkeypatch) == 2
    assert capsys.readouterr().err == ('cliphaze: error: the page needs no_such_package: pip install "cliphaze[web]"\n')


def test_a_busy_port_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn", reason="the extra `web` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(monkeypatch, "--no-open", "--port", str(port)) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"cliphaze: error: cannot serve at 127.0.0.1 port {port}: ")
    assert err.endswith("; choose another --port or --host\n")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "999.1.1.1", "a" * 300])
def test_a_host_that_is_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    pytest.importorskip("uvicorn", reason="the extra `web` is not installed")
    assert run(monkeypatch, "--no-open", "--host", host) == 2
    assert "choose another --port or --host" in capsys.readouterr().err


def test_it_serves_this_machine_only_and_opens_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: list[Any]
) -> None:
    assert run(monkeypatch) == 0
    (options, host, port), opened = served
    assert (host, port, opened) == ("127.0.0.1", 7860, "http://127.0.0.1:7860/")
    assert options.limits.max_pixels == 200_000_000
    out, err = capsys.readouterr()
    assert out == "http://127.0.0.1:7860/ (Ctrl-C ends it and deletes what was uploaded)\n"
    assert err == ""


def test_options_reach_the_server(monkeypatch: pytest.MonkeyPatch, served: list[Any]) -> None:
    arguments = ["--no-open", "--port", "0", "--device", "cpu", "--resolution", "full", "--max-megapixels", "5"]
    assert run(monkeypatch, *arguments, "--time-limit", "9", "--model", "other") == 0
    ((options, _, port),) = served
    assert (port, options.device, options.settings.resolution, options.settings.model) == (0, "cpu", "full", "other")
    assert (options.limits.max_pixels, options.limits.seconds) == (5_000_000, 9)


@pytest.mark.parametrize(("host", "warns"), [("0.0.0.0", True), ("::", True), ("localhost", False), ("::1", False)])
def test_a_host_that_others_reach_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: list[Any], host: str, warns: bool
) -> None:
    assert run(monkeypatch, "--no-open", "--host", host) == 0
    assert ("no password" in capsys.readouterr().err) is warns


def test_a_terminal_is_not_taken_by_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn", reason="the extra `web` is not installed")
    from cliphaze_cli.web import server

    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(server.webbrowser, "open", lambda address: pytest.fail("opened"))
    server.show_in_browser("http://127.0.0.1:7860/")
