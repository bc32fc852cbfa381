"""The options of `cliphaze download-weights`."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.server import COMMIT, FakeHub, Repo, Served, child_environment, clip_record, cliphaze, write_registry

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLIP, NET, EMBEDDED = Served(b"clip weights"), Served(b"network weights"), b"embedded weights"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.repos["org/clip"] = Repo({"open_clip_model.safetensors": CLIP})
        hub.repos["org/other-clip"] = Repo({"open_clip_model.safetensors": CLIP})
        hub.repos["org/net"] = Repo({"model.safetensors": NET})
        yield hub


@pytest.fixture
def run(hub: FakeHub, tmp_path: Path) -> Run:
    """`cliphaze download-weights` with a registry of an embedded and a published network and two CLIP models."""
    (tmp_path / "tiny.safetensors").write_bytes(EMBEDDED)
    published = {**clip_record(NET), "name": "large", "kind": "cliphaze", "repo": "org/net", "default": False}
    published.update(file="model.safetensors", open_clip_model=None, open_clip_pretrained=None)
    registry = write_registry(
        tmp_path / "registry.json",
        {"name": "tiny", "kind": "cliphaze", "file": "tiny.safetensors", "embedded": True, "licence": "MIT"},
        published,
        clip_record(CLIP),
        clip_record(CLIP, name="ViT-Test:other", repo="org/other-clip", open_clip_pretrained="other", default=False),
    )
    env = child_environment(tmp_path / "home", hub.url, registry)
    return lambda *arguments: cliphaze("download-weights", *arguments, env=env)


def states(result: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """State by name from --json."""
    return {record["name"]: record["state"] for record in json.loads(result.stdout)["weights"]}


def test_without_arguments_the_default_clip_and_the_published_networks(run: Run) -> None:
    result = run("--json")
    assert states(result) == {"tiny": "embedded", "large": "downloaded", "ViT-Test:openai": "downloaded"}
    assert states(run("--list", "--json")) == {
        "tiny": "embedded",
        "large": "present",
        "ViT-Test:openai": "present",
        "ViT-Test:other": "missing",
    }


def test_all_and_by_name(run: Run) -> None:
    assert states(run("vit-test:OTHER", "--json")) == {"ViT-Test:other": "downloaded"}
    assert states(run("--all", "--json")) == {
        "tiny": "embedded",
        "large": "downloaded",
        "ViT-Test:openai": "downloaded",
        "ViT-Test:other": "cached",
    }


def test_one_failure_does_not_stop_the_others(run: Run, hub: FakeHub) -> None:
    del hub.repos["org/net"]
    result = run("--json")
    assert result.returncode == 1
    assert states(result) == {"tiny": "embedded", "large": "failed", "ViT-Test:openai": "downloaded"}


def test_output_for_people_goes_to_stderr_and_quiet_silences_it(run: Run) -> None:
    result = run()
    assert result.stdout == ""
    assert "ViT-Test:openai: downloaded, verified, 12 bytes" in result.stderr
    assert run("--quiet").stderr == ""


def test_list_shows_state_size_and_licence(run: Run) -> None:
    lines = run("--list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "STATE", "SIZE", "LICENCE", "WHERE"]
    assert lines[1].split()[:6] == ["tiny", "cliphaze", "embedded", "16", "bytes", "MIT"]
    assert lines[3].split()[:3] == ["ViT-Test:openai", "clip", "missing"]


def test_any_repository_by_its_address_and_how_to_use_it(run: Run) -> None:
    result = run("--repo", "https://huggingface.co/org/net", "--json", "--revision", "main")
    (record,) = json.loads(result.stdout)["weights"]
    assert Path(record["path"]).read_bytes() == NET.content
    assert record["digest"] == NET.sha256
    assert f"--weights {record['path']}" in result.stderr
    assert f"revision main is commit {COMMIT}" in result.stderr


def test_a_cache_of_ones_own(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    result = run("ViT-Test:openai", "--cache-dir", str(own), "--json")
    assert own in Path(json.loads(result.stdout)["weights"][0]["path"]).parents
    assert "HF_HUB_CACHE" in result.stderr
    assert states(run("--list", "--cache-dir", str(own), "--json"))["ViT-Test:openai"] == "present"
    assert states(run("--list", "--json"))["ViT-Test:openai"] == "missing"


def test_another_revision_of_a_pinned_clip_is_checked_by_the_hubs_digest(run: Run, hub: FakeHub) -> None:
    newer = Served(b"newer clip weights")
    hub.repos["org/clip"] = Repo({"open_clip_model.safetensors": newer}, revisions={"next": "e" * 40})
    (record,) = json.loads(run("--clip", "ViT-Test", "--revision", "next", "--json").stdout)["weights"]
    assert (record["commit"], record["digest"]) == ("e" * 40, newer.sha256)


def test_a_clip_model_that_only_open_clip_knows(run: Run, hub: FakeHub) -> None:
    hub.repos["timm/vit_base_patch16_clip_224.openai"] = Repo({"open_clip_model.safetensors": CLIP})
    assert states(run("--clip", "ViT-B-16", "--json")) == {"ViT-B-16:openai": "downloaded"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tiny", "--all"], "give one of"),
        (["--list", "--clip", "ViT-Test"], "give one of"),
        (["--revision", "main"], "--revision goes with"),
        (["--repo", "net"], "--repo takes ORG/NAME"),
        (["huge"], "no weights are called 'huge': known are tiny, large"),
        (["org/net"], "try `--repo org/net`"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(run: Run, arguments: list[str], expected: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1
