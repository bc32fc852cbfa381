"""Finding, verifying and deleting files in a cache laid out as the Hub client does it."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cliphaze_cli.hub import cache, find_cached, resolve_weights, verification
from cliphaze_cli.hub.registry import WeightsEntry
from cliphaze_cli.system.errors import WeightsError
from tests.hub.server import COMMIT, child_environment

CONTENT = b"weights " * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ENTRY = WeightsEntry(
    name="net", kind="cliphaze", repo="org/net", revision=COMMIT, file="net.safetensors", size=800, sha256=SHA256
)
BRANCH = replace(ENTRY, revision=None, size=None, sha256=None)


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A cache folder holding ENTRY's file: blob, link and the branch main."""
    folder = tmp_path / "models--org--net"
    blob, link, ref = folder / "blobs" / SHA256, folder / "snapshots" / COMMIT / ENTRY.file, folder / "refs" / "main"
    for path in (blob, link, ref):
        path.parent.mkdir(parents=True)
    blob.write_bytes(CONTENT)
    link.symlink_to(Path("..", "..", "blobs", SHA256))
    ref.write_text(COMMIT)
    return tmp_path


def test_found_by_commit_and_by_branch(cached: Path) -> None:
    link = cached / "models--org--net" / "snapshots" / COMMIT / ENTRY.file
    assert find_cached(ENTRY, cached) == link
    assert find_cached(BRANCH, cached) == link
    assert resolve_weights(ENTRY, cached) == link


@pytest.mark.parametrize("entry", [replace(ENTRY, revision="a" * 40), replace(ENTRY, revision="v2"), BRANCH])
def test_not_found_in_an_empty_cache_or_at_another_revision(cached: Path, tmp_path: Path, entry: WeightsEntry) -> None:
    assert find_cached(entry, tmp_path / "empty") is None
    if entry is not BRANCH:
        assert find_cached(entry, cached) is None
    with pytest.raises(WeightsError, match="run `cliphaze download-weights net`"):
        resolve_weights(entry, tmp_path / "empty")


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"!"], ids=["short", "wrong"])
@pytest.mark.parametrize("entry", [ENTRY, BRANCH], ids=["registered digest", "the Hub's digest"])
def test_damage_is_not_served_but_named(cached: Path, entry: WeightsEntry, content: bytes) -> None:
    (cached / "models--org--net" / "blobs" / SHA256).write_bytes(content)
    assert find_cached(entry, cached) is None
    with pytest.raises(WeightsError, match=r"is damaged .* to fetch it again"):
        resolve_weights(entry, cached)


def test_damage_after_verification_is_noticed(cached: Path) -> None:
    assert find_cached(ENTRY, cached) is not None
    (cached / "models--org--net" / "blobs" / SHA256).write_bytes(CONTENT[::-1])
    assert find_cached(ENTRY, cached) is None


def test_content_is_hashed_once(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_cached(ENTRY, cached) is not None

    def hashing(*_: object) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(verification, "digest_of", hashing)
    assert find_cached(ENTRY, cached) is not None


def test_another_registered_digest_is_not_taken_for_verified(cached: Path) -> None:
    assert find_cached(ENTRY, cached) is not None
    assert find_cached(replace(ENTRY, sha256="0" * 64), cached) is None


def test_removing_deletes_link_blob_and_shared_blob(cached: Path) -> None:
    folder = cached / "models--org--net"
    blob, shared = folder / "blobs" / SHA256, cached / "blobs" / "ab" / "xet"
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(Path("..", "..", "blobs", "ab", "xet"))
    link = folder / "snapshots" / COMMIT / ENTRY.file
    assert find_cached(BRANCH, cached) == link  # judged by the blob's name, not by the shared one's
    cache.remove(link)
    assert not [each for each in (link, blob, shared) if each.is_symlink() or each.exists()]


def test_looking_up_loads_neither_torch_nor_a_network_library(cached: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cliphaze_cli.hub import find_cached; "
        "from cliphaze_cli.hub.registry import WeightsEntry; "
        f"assert find_cached(WeightsEntry(**{vars(BRANCH)!r}), Path({str(cached)!r})); "
        "assert not {'torch', 'open_clip', 'httpx', 'httpx2', 'requests'} & sys.modules.keys()"
    )
    env = child_environment(cached, "http://127.0.0.1:9")
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)


def test_a_cache_that_may_not_be_read_is_an_absent_one(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", forbidden)
    assert find_cached(ENTRY, cached) is None


def test_a_branch_that_cannot_be_understood_is_an_absent_one(cached: Path) -> None:
    (cached / "models--org--net" / "refs" / "main").write_bytes(b"\xff\xfe")
    assert find_cached(BRANCH, cached) is None
    assert find_cached(replace(BRANCH, revision="v\0"), cached) is None
