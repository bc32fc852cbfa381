"""`cliphaze info` tells what a bug report needs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli import __version__
from cliphaze_cli.cli.info import info
from tests.hub.server import Served, child_environment, clip_record, cliphaze, write_registry

TOKEN = "hf_thisIsSecret0123456789"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    registry = write_registry(home / "registry.json", clip_record(Served(b"clip weights")))
    return child_environment(home, "https://me:secret@hub.example", registry, HF_TOKEN=TOKEN)


@pytest.fixture(scope="module")
def document(environment: dict[str, str]) -> dict[str, Any]:
    result = cliphaze("info", "--json", env=environment)
    assert result.returncode == 0, result.stderr
    assert TOKEN not in result.stdout
    return json.loads(result.stdout)


def test_json_document(document: dict[str, Any], home: Path) -> None:
    assert document["versions"]["cliphaze"] == __version__
    assert document["versions"]["torch"]
    assert document["devices"]["cpu"]["threads"] >= 1
    assert document["hub"]["cache"] == str(home / "hub")
    assert document["weights"][0]["state"] == "missing"
    assert document["weights"][0]["size"] == 12


def test_the_scan_backend_that_runs_and_why_others_do_not(document: dict[str, Any]) -> None:
    scan = document["scan"]
    by_name = {backend["name"]: backend for backend in scan["backends"]}
    assert by_name[scan["chosen"]]["available"]
    assert all(backend["reason"] for backend in scan["backends"] if not backend["available"])


def test_text_for_people_holds_no_credentials(environment: dict[str, str]) -> None:
    result = cliphaze("info", env=environment)
    assert result.stderr == ""
    for heading in ("Versions", "Devices", "Selective scan", "Hugging Face Hub", "Weights"):
        assert heading in result.stdout.splitlines()
    assert "ViT-Test:openai" in result.stdout
    assert TOKEN not in result.stdout
    assert "secret" not in result.stdout


def test_a_torch_that_cannot_be_imported_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    info()
    assert "torch cannot be imported" in capsys.readouterr().out


def test_a_home_that_may_not_be_read_holds_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    from cliphaze_cli.cli import info

    def forbidden() -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(huggingface_hub, "get_token", forbidden)
    assert info._hub()["token"] is False
