"""A Hub that lies, drips, never ends or vanishes: one line and an empty cache, or the right file in the end."""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.hub.machine import CONTENT, FILE, Machine, assert_one_line
from tests.hub.server import COMMIT, FakeHub, Repo, Served, child_environment, clip_record, cliphaze, write_registry

NET = "model.safetensors"


def endless(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(20_000):  # 20 GB, should nobody stop it
        handler.wfile.write(bytes(2**20))


def dripping(handler: BaseHTTPRequestHandler) -> None:
    for position in range(len(CONTENT)):
        handler.wfile.write(CONTENT[position : position + 1])
        time.sleep(0.1)


def silent(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(CONTENT[:1000])
    handler.wfile.flush()
    threading.Event().wait(30)


def whole(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(CONTENT)


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def assert_nothing_kept(machine: Machine) -> None:
    assert machine.cached() == []
    assert not [path for path in machine.home.rglob("*") if "incomplete" in path.name]


@pytest.mark.parametrize("registered", [True, False])
def test_an_endless_body_is_cut_off(machine: Machine, registered: bool) -> None:
    machine.served.stream = endless
    machine.hub.repos["org/net"] = Repo({NET: machine.served})
    result = machine.download(*([] if registered else ["--repo", "org/net"]))
    assert result.returncode == 1
    assert_one_line(result.stderr, "sends more than it announced")
    assert_nothing_kept(machine)
    assert bytes_in(machine.home) < 10_000


def test_a_body_without_an_announced_length_is_fine(machine: Machine) -> None:
    machine.served.stream = whole
    result = machine.download("--json")
    assert result.returncode == 0, result.stderr
    assert Path(json.loads(result.stdout)["weights"][0]["path"]).read_bytes() == CONTENT


def test_a_size_that_is_absurd_or_unknown_is_refused(machine: Machine) -> None:
    machine.hub.repos["org/net"] = Repo({NET: Served(CONTENT, announced=3 * 10**12)})
    assert_one_line(machine.download("--repo", "org/net").stderr, "those are no weights of this kind")
    assert "GET" not in {method for method, *_ in machine.hub.requests}


PATCHED = """
import sys
from cliphaze_cli.hub import guard
guard.PATIENCE = 1.0
from cliphaze_cli.cli.app import main
sys.argv = ["cliphaze", "download-weights"]
main()
"""


def test_a_server_that_drips_is_given_up(machine: Machine) -> None:
    machine.served.stream = dripping
    env = child_environment(machine.home, machine.hub.url, machine.registry)
    result = subprocess.run(
        [sys.executable, "-c", PATCHED], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert_one_line(result.stderr, "less than 1,000 bytes a second arrive")
    assert_nothing_kept(machine)


@pytest.mark.slow
def test_a_server_that_falls_silent_is_given_up(machine: Machine) -> None:
    machine.served.stream = silent
    result = machine.download(HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert result.returncode == 1
    assert_one_line(result.stderr, "broke off")
    assert_nothing_kept(machine)


def test_a_connection_that_breaks_off_often_is_resumed_each_time(machine: Machine) -> None:
    machine.served.breaks_off_at = [40_000, 10, 30_000]
    result = machine.download("--json")
    assert result.returncode == 0, result.stderr
    assert Path(json.loads(result.stdout)["weights"][0]["path"]).read_bytes() == CONTENT


def test_a_resumed_download_whose_rest_is_of_another_file_is_deleted(machine: Machine) -> None:
    machine.served.breaks_off_at = [50_000]
    machine.served.body = CONTENT[:60_000] + bytes(68_000)
    result = machine.download()
    assert result.returncode == 1
    assert "sha256" in result.stderr
    assert_nothing_kept(machine)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, "check the access token"),
        (403, "check the access token"),
        (404, "HTTP 404"),
        (500, "in trouble (HTTP 500)"),
        (503, "in trouble (HTTP 503)"),
    ],
)
def test_a_server_that_refuses_only_the_content(machine: Machine, status: int, expected: str) -> None:
    machine.served.get_refusal = status
    result = machine.download()
    assert result.returncode == 1
    assert_one_line(result.stderr, expected)
    assert_nothing_kept(machine)


def test_a_file_that_vanishes_between_asking_and_fetching(machine: Machine) -> None:
    def vanish(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(CONTENT[:500])
        machine.hub.repos.clear()

    machine.served.stream = vanish
    result = machine.download()
    assert result.returncode == 1
    assert_one_line(result.stderr, "broke off")
    assert_nothing_kept(machine)


def test_a_wrong_etag_does_not_matter_where_the_digest_is_registered(machine: Machine) -> None:
    machine.served.etag = "0" * 64
    result = machine.download("--json")
    assert result.returncode == 0, result.stderr
    assert machine.download(HF_HUB_OFFLINE="1").returncode == 0


def test_a_wrong_etag_is_a_wrong_file_where_nothing_else_is_known(machine: Machine) -> None:
    machine.hub.repos["org/net"] = Repo({NET: Served(CONTENT, etag="0" * 64)})
    result = machine.download("--repo", "org/net")
    assert result.returncode == 1
    assert "arrived wrong (sha256" in result.stderr
    assert_nothing_kept(machine)


@pytest.mark.parametrize("etag", ["../../../../escaped", "/tmp/escaped", ".."])
def test_an_etag_cannot_choose_where_the_file_goes(machine: Machine, etag: str) -> None:
    machine.served.etag = etag
    before = set(machine.home.parent.rglob("*"))
    result = machine.download()
    assert result.returncode == 1
    assert_one_line(result.stderr, "does not answer like a Hugging Face Hub")
    new = set(machine.home.parent.rglob("*")) - before
    assert not [path for path in new if path.is_file()]
    assert not Path("/tmp/escaped").exists()


def test_an_etag_that_turns_hostile_after_the_first_answer(machine: Machine) -> None:
    class Turning(Served):
        asked = 0

        @property
        def etag(self) -> str:
            self.asked += 1
            return self.sha256 if self.asked == 1 else "../../../../escaped"

        @etag.setter
        def etag(self, value: str | None) -> None:
            pass

    machine.hub.repos["org/clip"].files[FILE] = Turning(CONTENT)
    result = machine.download()
    assert result.returncode == 1
    assert_one_line(result.stderr, "does not answer like a Hugging Face Hub")
    assert not list(machine.home.parent.rglob("escaped*"))


def test_a_commit_that_is_none(machine: Machine) -> None:
    machine.hub.repos["org/net"] = Repo({NET: Served(CONTENT)}, revisions={"main": "../../escaped"})
    assert_one_line(machine.download("--repo", "org/net").stderr, "does not answer like a Hugging Face Hub")


TOKEN = "hf_thisIsSecret0123456789"


def test_a_redirect_to_another_host_is_followed_without_the_token(machine: Machine) -> None:
    with FakeHub() as store:
        store.repos["cdn/bucket"] = Repo({"blob": Served(CONTENT)})
        machine.served.location = f"{store.url}/cdn/bucket/resolve/{COMMIT}/blob"
        result = machine.download("--json", HF_TOKEN=TOKEN)
        assert result.returncode == 0, result.stderr
        assert Path(json.loads(result.stdout)["weights"][0]["path"]).read_bytes() == CONTENT
        assert store.requests and {authorization for *_, authorization in store.requests} == {None}
        assert machine.hub.requests[0][2] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("header", ["X-Xet-Refresh-Route", "Link"])
def test_a_server_that_names_another_host_for_xet_gets_no_token_there(machine: Machine, header: str) -> None:
    with FakeHub() as thief:
        address = f"{thief.url}/token"
        value = f'<{address}>; rel="xet-auth"' if header == "Link" else address
        machine.served.headers = {"X-Xet-Hash": "ab" * 32, header: value}
        result = machine.download("--json", HF_TOKEN=TOKEN, HF_HUB_DISABLE_XET="0")
        assert result.returncode == 0, result.stderr
        assert Path(json.loads(result.stdout)["weights"][0]["path"]).read_bytes() == CONTENT
        assert thief.requests == []


@pytest.mark.parametrize(
    "target", ["/org/clip/resolve/{commit}/{file}", "http://127.0.0.1:9/gone", "file:///etc/passwd"]
)
def test_redirects_that_lead_nowhere(machine: Machine, target: str) -> None:
    machine.served.location = target.format(commit=COMMIT, file=FILE)
    result = machine.download(HF_TOKEN=TOKEN)
    assert result.returncode == 1
    assert_one_line(result.stderr, "ViT-Test:openai")
    assert "Traceback" not in result.stderr
    assert_nothing_kept(machine)


def test_a_signed_address_is_not_shown(machine: Machine) -> None:
    machine.served.location = "http://127.0.0.1:9/blob?X-Amz-Signature=deadbeef&Expires=1"
    result = machine.download()
    assert result.returncode == 1
    assert "deadbeef" not in result.stderr + result.stdout


def test_two_downloads_at_once_leave_one_right_file(machine: Machine) -> None:
    first, second = (machine.start("--json") for _ in range(2))
    for process in (first, second):
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert Path(json.loads(stdout)["weights"][0]["path"]).read_bytes() == CONTENT
    assert machine.download("--list").stdout.count("present") == 1


def test_a_right_and_a_wrong_download_at_once_leave_nothing_wrong(machine: Machine, tmp_path: Path) -> None:
    with FakeHub() as liar:
        liar.repos["org/clip"] = Repo({FILE: Served(CONTENT, body=CONTENT[:-1] + b"!")})
        processes = [machine.start(), machine.start(endpoint=liar.url)]
        codes = [(process.communicate(timeout=60), process.returncode)[1] for process in processes]
    listed = json.loads(machine.download("--list", "--json").stdout)["weights"][0]
    assert codes[1] == 1 or listed["state"] == "present"  # the liar may have found the right file in the cache
    assert listed["state"] in ("present", "missing")  # never "damaged"
    assert machine.download().returncode == 0


def download_on(mount: str, machine: Machine, code: str = "") -> "subprocess.CompletedProcess[str]":
    """`download-weights` after the shell commands `mount`, of which only it sees anything; skips where nobody may."""
    machine.home.mkdir(exist_ok=True)
    own = ["unshare", "-rm", "sh", "-c", f'{mount} && shift && exec "$@"', "sh", str(machine.home)]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    program = "import sys; from cliphaze_cli.cli.app import main; sys.argv = ['cliphaze', 'download-weights']; main()"
    env = child_environment(machine.home, machine.hub.url, machine.registry)
    command = [*own, sys.executable, "-c", code + program]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a file system of its own")
def test_a_read_only_cache_serves_what_it_has_and_takes_nothing(machine: Machine) -> None:
    read_only = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'
    result = download_on(read_only, machine)
    assert result.returncode == 1
    assert_one_line(result.stderr, "cannot write to")
    machine.download()
    assert "already here" in download_on(read_only, machine).stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a file system of its own")
def test_a_disk_that_is_full_by_then_is_one_line(machine: Machine) -> None:
    roomy = (  # when asked before the download
        "import shutil; from collections import namedtuple;"
        "shutil.disk_usage = lambda path: namedtuple('Usage', 'total used free')(10**9, 0, 10**9);"
    )
    result = download_on('mount -t tmpfs -o size=60k tmpfs "$1"', machine, roomy)
    assert result.returncode == 1
    assert_one_line(result.stderr, "no space left")


@pytest.mark.parametrize(
    ("token", "debug"),
    [(TOKEN, {}), ("api_org_anotherKindOfToken", {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug"})],
)
def test_no_token_in_any_output(machine: Machine, token: str, debug: dict[str, str]) -> None:
    endpoint = machine.hub.url.replace("://", f"://user:{token}@")
    for refusal in (None, (403, ""), (500, "")):
        machine.hub.repos["org/clip"].refusal = refusal
        result = machine.download("--json", "--force", endpoint=endpoint, HF_TOKEN=token, **debug)
        assert token not in result.stderr + result.stdout
        assert result.returncode == (0 if refusal is None else 1), result.stderr
    for command in (["info", "--json"], ["download-weights", "--repo", f"https://user:{token}@huggingface.co/a/b/c"]):
        env = child_environment(machine.home, endpoint, machine.registry, HF_TOKEN=token, **debug)
        result = cliphaze(*command, env=env)
        assert token not in result.stderr + result.stdout


def test_no_token_in_a_traceback(machine: Machine) -> None:
    code = (
        "import os, sys; from cliphaze_cli.cli import app, download\n"
        "def broken(*_):\n"
        "    raise KeyError(f\"Bearer {os.environ['HF_TOKEN']} at http://me:secret@host/?sig=s3cret\")\n"
        "download.load_registry = broken; sys.argv = ['cliphaze', 'download-weights', '--all']; app.main()"
    )
    env = child_environment(machine.home, machine.hub.url, machine.registry, HF_TOKEN="api_org_secret123")
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert "KeyError" in result.stderr and "Traceback" in result.stderr
    assert not [secret for secret in ("api_org_secret123", "me:secret", "s3cret") if secret in result.stderr]


def tampered_later(path: Path) -> None:
    """Change the content, and put time and size back: what notes of the file say still holds."""
    status = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_tampered_with_later_is_not_loaded(machine: Machine) -> None:
    result = machine.download("--json")
    path = Path(json.loads(result.stdout)["weights"][0]["path"]).resolve()
    tampered_later(path)
    code = (
        "import sys\nfrom cliphaze_cli.hub import resolve_weights\n"
        "from cliphaze_cli.system.errors import WeightsError\n"
        "try: resolve_weights('ViT-Test:openai')\n"
        "except WeightsError as error: sys.stdout.write(str(error))"
    )
    env = child_environment(machine.home, machine.hub.url, machine.registry, HF_HUB_OFFLINE="1")
    child = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "is damaged (sha256" in child.stdout and "download-weights --clip ViT-Test:openai" in child.stdout


def test_an_embedded_file_tampered_with_is_not_loaded(tmp_path: Path, random_weights: Path) -> None:
    (tmp_path / "tiny.safetensors").write_bytes(random_weights.read_bytes())
    good = Served(random_weights.read_bytes())
    record = {**clip_record(good), "name": "tiny", "kind": "cliphaze", "embedded": True, "file": "tiny.safetensors"}
    write_registry(tmp_path / "registry.json", {**record, "repo": None})
    env = child_environment(tmp_path, "http://127.0.0.1:9", tmp_path / "registry.json")
    photo = Path(__file__).parents[2] / "examples" / "bentPyramid.webp"
    arguments = ("dehaze", str(photo), "--resolution", "64", "--no-clip")
    assert cliphaze(*arguments, str(tmp_path / "a.webp"), env=env).returncode == 0
    tampered_later(tmp_path / "tiny.safetensors")
    result = cliphaze(*arguments, str(tmp_path / "b.webp"), env=env)
    assert result.returncode == 2
    assert_one_line(result.stderr, "are damaged (sha256")
    assert not (tmp_path / "b.webp").exists()
