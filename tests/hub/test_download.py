"""Downloads as people meet them: the real command line against a local Hub."""

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.machine import CONTENT, FILE, Machine, assert_one_line
from tests.hub.server import Repo, Served, child_environment, clip_record, write_registry


def test_downloads_once_and_then_makes_no_request(machine: Machine) -> None:
    first = machine.download("--json")
    assert first.returncode == 0, first.stderr
    (record,) = json.loads(first.stdout)["weights"]
    assert record["state"] == "downloaded"
    assert record["digest"] == machine.served.sha256
    assert Path(record["path"]).read_bytes() == CONTENT

    machine.hub.requests.clear()
    second = machine.download("--json")
    assert json.loads(second.stdout)["weights"][0] == {**record, "state": "cached"}
    assert machine.hub.requests == []


def test_force_downloads_again(machine: Machine) -> None:
    machine.download()
    machine.hub.requests.clear()
    assert machine.download("--force").returncode == 0
    assert "GET" in {method for method, *_ in machine.hub.requests}


def test_wrong_content_of_the_right_length_is_deleted_and_named(machine: Machine) -> None:
    machine.served.body = CONTENT[:-1] + b"!"
    result = machine.download()
    assert result.returncode == 1
    assert "org/clip" in result.stderr
    assert "sha256" in result.stderr
    assert str(machine.home) in result.stderr
    assert machine.cached() == []


def test_a_file_shorter_than_registered_is_not_even_fetched(machine: Machine) -> None:
    machine.hub.repos["org/clip"].files[FILE] = Served(CONTENT[:1000])
    result = machine.download()
    assert result.returncode == 1
    assert "1,000 bytes instead of 128,000" in result.stderr
    assert "GET" not in {method for method, *_ in machine.hub.requests}
    assert machine.cached() == []


def test_a_body_shorter_than_announced_leaves_nothing(machine: Machine) -> None:
    machine.served.body = CONTENT[:1000]
    result = machine.download()
    assert result.returncode == 1
    assert "broke off" in result.stderr
    assert machine.cached() == []


def test_a_connection_that_breaks_off_is_resumed(machine: Machine) -> None:
    machine.served.breaks_off_at = [50_000]
    result = machine.download("--json")
    assert result.returncode == 0, result.stderr
    assert Path(json.loads(result.stdout)["weights"][0]["path"]).read_bytes() == CONTENT


def test_a_file_damaged_in_the_cache_is_fetched_again(machine: Machine) -> None:
    path = Path(json.loads(machine.download("--json").stdout)["weights"][0]["path"])
    path.write_bytes(CONTENT[:-1] + b"!")
    assert "damaged" in machine.download("--list").stdout
    result = machine.download()
    assert result.returncode == 0
    assert "damaged" in result.stderr
    assert path.read_bytes() == CONTENT


def test_offline_with_the_file_in_the_cache(machine: Machine) -> None:
    machine.download()
    result = machine.download(HF_HUB_OFFLINE="1")
    assert result.returncode == 0
    assert "already here" in result.stderr


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_offline_without_it_says_so_in_one_line(machine: Machine, force: list[str]) -> None:
    result = machine.download(*force, HF_HUB_OFFLINE="1")
    assert result.returncode == 1
    assert_one_line(result.stderr, "HF_HUB_OFFLINE is set")
    assert machine.hub.requests == []


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ((401, "RepoNotFound"), "no repository org/clip"),
        ((401, "GatedRepo"), "accept its terms"),
        ((403, "GatedRepo"), "accept its terms"),
        ((403, ""), "check the access token"),
        ((429, ""), "try again later"),
        ((503, ""), "in trouble (HTTP 503)"),
    ],
)
def test_refusals_are_one_line_and_keep_the_token_secret(
    machine: Machine, refusal: tuple[int, str], expected: str
) -> None:
    machine.hub.repos["org/clip"].refusal = refusal
    token = "hf_thisIsSecret0123456789"
    result = machine.download("--json", HF_TOKEN=token)
    assert result.returncode == 1
    assert_one_line(result.stderr, expected)
    assert json.loads(result.stdout)["weights"][0]["state"] == "failed"
    assert machine.hub.requests[0][2] == f"Bearer {token}"
    assert token not in result.stderr + result.stdout


def test_missing_repository_file_and_revision(machine: Machine) -> None:
    machine.hub.repos["org/empty"] = Repo({})
    assert_one_line(machine.download("--repo", "org/nothing").stderr, "no repository org/nothing")
    assert_one_line(machine.download("--repo", "org/empty").stderr, "no file model.safetensors")
    assert_one_line(machine.download("--repo", "org/empty", "--revision", "v9").stderr, "no revision 'v9'")


def test_unreachable_server(machine: Machine) -> None:
    result = machine.download(endpoint="http://user:secret@127.0.0.1:9")
    assert result.returncode == 1
    assert_one_line(result.stderr, "cannot reach http://127.0.0.1:9")
    assert "secret" not in result.stderr


def test_an_endpoint_that_is_no_address(machine: Machine) -> None:
    assert_one_line(machine.download(endpoint="mirror").stderr, "HF_ENDPOINT is not a web address")


def test_a_branch_that_cannot_be_asked_serves_its_last_copy(machine: Machine) -> None:
    machine.hub.repos["org/net"] = Repo({"model.safetensors": Served(b"weights")})
    assert machine.download("--repo", "org/net").returncode == 0
    result = machine.download("--repo", "org/net", endpoint="http://127.0.0.1:9")
    assert result.returncode == 0
    assert "using the copy in the cache" in result.stderr


def test_a_branch_that_moved_is_fetched_anew(machine: Machine) -> None:
    repo = machine.hub.repos["org/net"] = Repo({"model.safetensors": Served(b"old")})
    machine.download("--repo", "org/net")
    repo.files["model.safetensors"], repo.revisions = Served(b"newer"), {"main": "f" * 40}
    (record,) = json.loads(machine.download("--repo", "org/net", "--json").stdout)["weights"]
    assert record["commit"] == "f" * 40
    assert Path(record["path"]).read_bytes() == b"newer"


def test_without_a_registered_digest_the_hubs_own_is_checked(machine: Machine) -> None:
    machine.hub.repos["org/net"] = Repo({"model.safetensors": Served(b"weights", body=b"w3ights")})
    result = machine.download("--repo", "org/net")
    assert result.returncode == 1
    assert "sha256" in result.stderr
    assert machine.cached() == []


def test_a_read_only_cache_is_named(machine: Machine) -> None:
    machine.home.write_text("a file where the cache folder should be")
    result = machine.download()
    assert result.returncode == 1
    assert_one_line(result.stderr, "cannot write to")


def test_the_hubs_own_tools_accept_the_cache(machine: Machine) -> None:
    machine.download()
    code = "from huggingface_hub import scan_cache_dir as s; r = s(); assert len(r.repos) == 1 and not r.warnings"
    env = child_environment(machine.home, machine.hub.url)
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("arguments", "shown"), [([], True), (["--quiet"], False), (["--json"], False)])
def test_a_progress_bar_only_where_people_watch(machine: Machine, arguments: list[str], shown: bool) -> None:
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "cliphaze_cli", "download-weights", *arguments]
    env = child_environment(machine.home, machine.hub.url, machine.registry)
    subprocess.run(command, env=env, stderr=theirs, stdout=subprocess.DEVNULL, check=True, timeout=60)
    os.write(theirs, b"end")  # so that there is something to read where nothing was shown
    text = os.read(ours, 65536).decode()
    os.close(theirs)
    os.close(ours)
    assert ("%|" in text) is shown


def test_too_little_space_is_refused_before_the_download(machine: Machine) -> None:
    free = shutil.disk_usage(machine.home.parent).free
    machine.served.announced = free * 2
    write_registry(machine.registry, clip_record(machine.served, size=free * 2))
    result = machine.download()
    assert_one_line(result.stderr, "no space left")
    assert "GET" not in {method for method, *_ in machine.hub.requests}
