"""`cliphaze download-weights`: bring weights to this machine, verified."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cliphaze_cli.cli.columns import human_size
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.first_use import embed_prompts
from cliphaze_cli.cli.weights_state import weights_states, weights_table
from cliphaze_cli.hub import Fetched, clip_entry, download, resolve_weights
from cliphaze_cli.hub.cache import is_commit, unreadable
from cliphaze_cli.hub.registry import WeightsEntry, find, load_registry, pinned_clip
from cliphaze_cli.system.errors import HubError, UsageError, WeightsError

EXAMPLES = """\
 cliphaze download-weights --list                 # what there is, what is here
 cliphaze download-weights                        # CLIP, published checkpoints
 cliphaze download-weights --clip ViT-L-14:openai # another CLIP of open_clip"""
CHECKPOINT_FILE = "model.safetensors"  # of a CLIPHaze repository


def download_weights(
    name: Annotated[str | None, typer.Argument(help="A name that --list shows.", show_default=False)] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Everything that --list shows.")] = False,
    clip: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A CLIP model of open_clip: NAME or NAME:PRETRAINED.")
    ] = None,
    repo: Annotated[
        str | None, typer.Option(metavar="ORG/NAME", help="A CLIPHaze checkpoint of any Hub repository.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Commit, branch or tag, with --repo or --clip.", show_default="main")
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option(help="Folder to download to.", show_default="the Hub's cache: HF_HUB_CACHE or HF_HOME"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Download even what is already here.")] = False,
    list_only: Annotated[
        bool, typer.Option("--list", help="Show what there is and what is here; no download.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Download pretrained weights from the Hugging Face Hub, verified and cached.

    Without arguments: CLIP, and the published CLIPHaze checkpoints.

    The Hub's own settings hold: HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE.
    """
    console = Console(verbosity=-1 if quiet else 0, as_json=as_json)
    choices = [name is not None, every, clip is not None, repo is not None]
    if sum(choices) > 1 or (list_only and any(choices)):
        raise UsageError("give one of NAME, --all, --clip, --repo and --list")
    if revision is not None and clip is None and repo is None:
        raise UsageError("--revision goes with --repo or --clip: named weights have a fixed revision")
    if list_only:
        states = weights_states(cache_dir)
        if (why := unreadable(cache_dir)) is not None:
            console.notice(why)
        for line in weights_table(states):
            console.answer(line)
        console.result({"weights": states})
        return
    entries = _chosen(name, every, clip, repo, revision)
    records = [_ensure(entry, cache_dir, force, console) for entry in entries]
    if cache_dir is not None:
        console.notice(f"cliphaze looks for CLIP in {cache_dir} only if HF_HUB_CACHE={cache_dir.absolute()} is set")
    console.result({"weights": records})
    if any(record["state"] == "failed" for record in records):
        raise typer.Exit(HubError.exit_code)


def _chosen(
    name: str | None, every: bool, clip: str | None, repo: str | None, revision: str | None
) -> list[WeightsEntry]:
    if name is not None:
        return [_named(name)]
    if clip is not None:
        entry = clip_entry(clip)
        return [_at(entry, revision) if revision is not None else entry]
    if repo is not None:
        repo = repo.removeprefix("https://huggingface.co/").strip("/")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
            raise UsageError(f"--repo takes ORG/NAME, as in the address of a Hub repository, not {repo!r}")
        return [WeightsEntry(name=repo, kind="cliphaze", repo=repo, revision=revision, file=CHECKPOINT_FILE)]
    registry = load_registry().values()
    if every:
        return list(registry)
    default_clip = pinned_clip()
    return [entry for entry in registry if entry == default_clip or entry.kind == "cliphaze"]


def _named(name: str) -> WeightsEntry:
    try:
        return find(name)
    except WeightsError as error:
        option = "--repo" if "/" in name else "--clip"
        raise UsageError(f"{error}; if you mean another one, try `{option} {name}`") from error


def _at(entry: WeightsEntry, revision: str) -> WeightsEntry:
    if revision == entry.revision:
        return entry
    return replace(entry, revision=revision, sha256=None, size=None)  # what the registry knows is of its own revision


def _ensure(entry: WeightsEntry, cache_dir: Path | None, force: bool, console: Console) -> dict[str, Any]:
    """Make one entry present; a failure is told at once and recorded, so that the others are still fetched."""
    record: dict[str, Any] = {"name": entry.name, "kind": entry.kind, "repo": entry.repo, "licence": entry.licence}
    try:
        if entry.embedded:
            path = resolve_weights(entry)
            console.info(f"{entry.name}: part of cliphaze, nothing to download ({path})")
            return {**record, "state": "embedded", "path": str(path), "size": path.stat().st_size}
        fetched = _download(entry, cache_dir, force, console)
    except (HubError, WeightsError) as error:
        console.error(f"{entry.name}: {error}")
        return {**record, "state": "failed", "error": str(error)}
    state = "downloaded" if fetched.downloaded else "cached"
    return {
        **record,
        "state": state,
        "path": str(fetched.path),
        "commit": fetched.commit,
        "size": fetched.size,
        "digest": fetched.digest,
    }


def _download(entry: WeightsEntry, cache_dir: Path | None, force: bool, console: Console) -> Fetched:
    progress = console.shows_progress and not console.as_json
    fetched = download(entry, cache_dir=cache_dir, force=force, progress=progress, notify=console.notice)
    verified = "verified" if fetched.digest else "not verified: the server reports no digest"
    what = "downloaded" if fetched.downloaded else "already here"
    console.info(f"{entry.name}: {what}, {verified}, {human_size(fetched.size)}: {fetched.path}")
    if entry.kind == "clip":
        embed_prompts(entry, fetched, console)
    if not is_commit(entry.revision):
        console.info(
            f"{entry.name}: revision {entry.revision or 'main'} is commit {fetched.commit} (--revision fixes it)"
        )
    if entry.name == entry.repo:
        console.info(f"use it with: cliphaze dehaze INPUT OUTPUT --weights {fetched.path}")
    return fetched
