"""Download one weights file into the Hub's cache and verify it; what is already there and right is not fetched again.

The Hub's client does not compare content with anything, so a wrong or short file is found, deleted and named here.
"""

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cliphaze_cli.hub import cache, verification
from cliphaze_cli.hub.failures import HubUnreachableError, Request, explained, not_a_hub
from cliphaze_cli.hub.guard import LARGEST, guarded
from cliphaze_cli.hub.registry import WeightsEntry
from cliphaze_cli.system.errors import HubError
from cliphaze_cli.system.text import one_line
from cliphaze_cli.system.versions import __version__

_CLIENT = {"library_name": "cliphaze", "library_version": __version__}


@dataclass(frozen=True)
class Fetched:
    """A verified file. commit: 40 hex digits; digest: sha256, or git's sha1 of a small file; downloaded: just now."""

    path: Path
    commit: str
    size: int
    digest: str | None
    downloaded: bool


def fetch(entry: WeightsEntry, *, cache_dir: Path | None = None, force: bool = False, progress: bool = False) -> Path:
    """The verified file of `entry`, downloaded unless the cache has it. Errors as in `download`."""
    return download(entry, cache_dir=cache_dir, force=force, progress=progress).path


def download(
    entry: WeightsEntry,
    *,
    cache_dir: Path | None = None,
    force: bool = False,
    progress: bool = False,
    notify: Callable[[str], None] = lambda text: None,
    announce: Callable[[int], None] = lambda size: None,
) -> Fetched:
    """Bring `entry` from the Hub into its cache, verified by the entry's sha256 or else the one that the Hub reports.

    A file that is there, right, and of a fixed commit costs no request. A branch or tag is asked for on every call, and
    its last copy serves when the Hub cannot be reached.

    Args:
        cache_dir: the cache folder instead of the Hub's own.
        force: download even what is there.
        progress: show the Hub client's progress bar on stderr.
        notify: told, in one line each, what people may not expect.
        announce: told how many bytes will come, once that is known and before they do.

    Raises:
        HubError: no such repository, revision or file, no access, no connection, no space, or a file whose content is
            wrong (which is deleted); the message says which and what to do.
    """
    if entry.repo is None:
        raise HubError(f"{entry.name} is not published on the Hub")
    cached = cache.look_up(entry, cache_dir)
    if cached is not None and cached.problem:
        cache.remove(cached.path)
        notify(f"{cached.path} was damaged ({cached.problem}) and has been deleted")
        cached, force = None, True  # the Hub client may know further copies of the damaged file
    if cached is not None and not force and cache.is_commit(entry.revision):
        return _from_cache(cached)
    request = _request(entry, cache_dir)
    try:
        with explained(request), _client_output(progress), guarded(request):
            remote = _ask(entry, request)
    except HubUnreachableError as error:
        if cached is None or force:
            raise
        notify(f"using the copy in the cache (commit {cached.commit[:12]}): {error}")
        return _from_cache(cached)
    if cached is not None and not force and cached.commit == remote.commit_hash:
        return _from_cache(cached)
    size = _expected_size(entry, remote, request)
    _need_space(size, request.cache)
    announce(size)
    with explained(request), _client_output(progress), guarded(request, size):
        path = _download(entry, request, force)
        commit = path.parents[len(Path(entry.file).parts) - 1].name  # .../snapshots/COMMIT/FILE
        if commit != remote.commit_hash:  # the branch moved in between
            remote = _ask(replace(entry, revision=commit), request)
    return _verified(entry, path, remote, cache_dir)


def _request(entry: WeightsEntry, cache_dir: Path | None) -> Request:
    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise HubError(one_line(f"HF_ENDPOINT is not a web address: {constants.ENDPOINT!r}; correct or unset it"))
    return Request(
        repo=entry.repo or "",
        revision=entry.revision or cache.DEFAULT_REVISION,
        file=entry.file,
        endpoint=one_line(constants.ENDPOINT),
        cache=cache.cache_root(cache_dir),
    )


def _ask(entry: WeightsEntry, request: Request) -> Any:
    """The Hub's metadata of the file: commit_hash, etag, size. One request, which fails fast without a connection."""
    # Not hf_hub_download(dry_run=True): it tells no ETag, by which files that are not registered are verified, and for
    # what the cache holds it answers without asking.
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(request.repo, entry.file, revision=entry.revision or cache.DEFAULT_REVISION)
    metadata = get_hf_file_metadata(url, **_CLIENT)
    if not cache.is_commit(metadata.commit_hash):
        raise HubError(not_a_hub(request))
    return metadata


def _expected_size(entry: WeightsEntry, remote: Any, request: Request) -> int:
    """How many bytes will come; refused where that is not what is registered, or nobody's honest intention."""
    if remote.size is None:
        raise HubError(not_a_hub(request))
    if entry.size is not None and remote.size != entry.size:
        raise HubError(
            f"{request.endpoint} holds another {entry.repo}/{entry.file} than the one that is registered "
            f"({remote.size:,} bytes instead of {entry.size:,}): check HF_ENDPOINT and proxy, or update cliphaze"
        )
    if entry.size is None and remote.size > LARGEST[entry.kind]:
        raise HubError(f"{entry.repo}/{entry.file} has {remote.size / 1e9:,.1f} GB: those are no weights of this kind")
    return int(remote.size)


def _download(entry: WeightsEntry, request: Request, force: bool) -> Path:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(
        request.repo,
        entry.file,
        revision=request.revision,
        cache_dir=request.cache,
        force_download=force,
        **_CLIENT,
    )
    return Path(path)


def _verified(entry: WeightsEntry, path: Path, remote: Any, cache_dir: Path | None) -> Fetched:
    expected = entry.sha256 or (remote.etag if verification.is_digest(remote.etag) else None)
    problem = verification.problem_with(path, entry.size or remote.size, expected)
    if problem:
        cache.remove(path)
        raise HubError(
            f"{entry.repo}/{entry.file} arrived wrong ({problem}) and {path} has been deleted: try again; "
            "if it happens again, the server (HF_ENDPOINT, proxy) does not hold the file that is expected"
        )
    if expected is not None:
        verification.remember(cache.mark_path(entry, remote.commit_hash, cache_dir), path, expected)
    return Fetched(path, remote.commit_hash, path.stat().st_size, expected, downloaded=True)


def _from_cache(cached: cache.CachedFile) -> Fetched:
    return Fetched(cached.path, cached.commit, cached.path.stat().st_size, cached.digest, downloaded=False)


def _need_space(size: int, folder: Path) -> None:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < size:
        raise HubError(
            f"no space left in {folder}: {size / 1e6:,.0f} MB needed, {free / 1e6:,.0f} MB free; "
            "free some, or choose another folder with --cache-dir or HF_HOME"
        )


@contextmanager
def _client_output(progress: bool) -> Iterator[None]:
    """The Hub client's progress bar or nothing; its log lines and warnings repeat what our messages say."""
    from huggingface_hub import constants
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

    level = logging.get_verbosity()
    # The user's own setting (HF_HUB_DISABLE_PROGRESS_BARS) wins, and the client warns when one tries to change it.
    hide = not progress and constants.HF_HUB_DISABLE_PROGRESS_BARS is None and not are_progress_bars_disabled()
    if hide:
        disable_progress_bars()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if hide:
            enable_progress_bars()
