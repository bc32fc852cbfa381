"""Files in the Hub's cache, found without the network: models--ORG--NAME/{refs, snapshots/COMMIT/FILE -> blobs/ETAG}.

Our marks of verified files lie in the same repository folder (`.cliphaze/`), so that they go when it is deleted.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.hub import verification
from cliphaze_cli.hub.registry import WeightsEntry, weights_dir

DEFAULT_REVISION = "main"


@dataclass(frozen=True)
class CachedFile:
    """A file in the cache. digest: what it must have; problem: what is wrong with it, empty when nothing is."""

    path: Path
    commit: str
    digest: str | None
    problem: str


def find_cached(entry: WeightsEntry, cache_dir: Path | None = None) -> Path | None:
    """The verified file of `entry` in the cache, or None: absent or damaged. No network, and no torch."""
    cached = look_up(entry, cache_dir)
    return None if cached is None or cached.problem else cached.path


def is_there(entry: WeightsEntry, cache_dir: Path | None = None) -> bool:
    """Whether a file of `entry` is in the package or the cache, whatever is in it. Reads and notes nothing."""
    if entry.embedded:
        return (weights_dir() / entry.file).is_file()
    commit = _commit(entry, cache_dir)
    return commit is not None and os.path.isfile(snapshot_path(entry, commit, cache_dir))  # noqa: PTH113 - as below


def look_up(entry: WeightsEntry, cache_dir: Path | None = None, *, thorough: bool = False) -> CachedFile | None:
    """What the cache holds for `entry`, verified against its own digest, or else against the Hub's at download.

    thorough: hash the content whatever was noted of it, as is right before it is used.
    """
    if entry.repo is None:
        return None
    commit = _commit(entry, cache_dir)
    path = snapshot_path(entry, commit, cache_dir) if commit else None
    if commit is None or path is None or not os.path.isfile(path):  # noqa: PTH113 - Path's raises where it may not look
        return None
    known = verification.remembered(mark_path(entry, commit, cache_dir), path)
    expected = entry.sha256 or _blob_digest(path) or known
    if known == expected and not thorough:  # hashed before, or nothing to compare with
        return CachedFile(path, commit, expected, verification.problem_with(path, entry.size, None))
    problem = verification.problem_with(path, entry.size, expected)
    if not problem and expected is not None:
        verification.remember(mark_path(entry, commit, cache_dir), path, expected)
    return CachedFile(path, commit, expected, problem)


def remove(path: Path) -> None:
    """Delete a cached file whole: the snapshot's link and the blob (of the Hub's shared store too) behind it."""
    while path.is_symlink():
        target = path.parent / path.readlink()
        path.unlink()
        path = target
    path.unlink(missing_ok=True)


def cache_root(cache_dir: Path | None) -> Path:
    """The cache folder: `cache_dir`, or what HF_HUB_CACHE or HF_HOME say."""
    if cache_dir is not None:
        return cache_dir.expanduser().absolute()
    from huggingface_hub import constants  # light: nothing else of the package is loaded

    return Path(constants.HF_HUB_CACHE)


def unreadable(cache_dir: Path | None = None) -> str | None:
    """One line where the cache may not be read, and so counts as absent; None where it may, or where there is none."""
    root = cache_root(cache_dir)
    try:
        os.scandir(root).close()
    except PermissionError:
        return f"the cache of weights {root} may not be read: what is in it counts as missing"
    except OSError:
        pass
    return None


def is_commit(revision: str | None) -> bool:
    """Whether a revision can never change: 40 hex digits."""
    return re.fullmatch(r"[0-9a-f]{40}", revision or "") is not None


def mark_path(entry: WeightsEntry, commit: str, cache_dir: Path | None) -> Path:
    """Where it is noted that a file was verified."""
    return _repo_folder(entry, cache_dir) / ".cliphaze" / commit / f"{entry.file}.json"


def snapshot_path(entry: WeightsEntry, commit: str, cache_dir: Path | None) -> Path:
    """Where the cache shows a file of a commit."""
    return _repo_folder(entry, cache_dir) / "snapshots" / commit / entry.file


def _repo_folder(entry: WeightsEntry, cache_dir: Path | None) -> Path:
    return cache_root(cache_dir) / "--".join(["models", *(entry.repo or "").split("/")])


def _commit(entry: WeightsEntry, cache_dir: Path | None) -> str | None:
    revision = entry.revision or DEFAULT_REVISION
    if is_commit(revision):
        return revision
    try:
        return (_repo_folder(entry, cache_dir) / "refs" / revision).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # ValueError: not UTF-8, or a revision that is no file's name
        return None


def _blob_digest(path: Path) -> str | None:
    # The blob is named by its ETag. Only the first link counts: the shared store behind it uses another kind of hash.
    name = path.readlink().name if path.is_symlink() else None
    return name if verification.is_digest(name) else None
