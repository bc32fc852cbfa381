"""CLIP's weights on first use: fetched where that is allowed and possible, with one line that says what and how large.

This runs in the process that people look at, before any photo and before any worker is started.
"""

from pathlib import Path

from cliphaze_cli.batch.loading import clip_for, teacher
from cliphaze_cli.cli.columns import human_size
from cliphaze_cli.cli.console import Console
from cliphaze_cli.hub import Fetched, VerifiedFile, clip_entry, download, find_cached, verified_file
from cliphaze_cli.hub.failures import HubUnreachableError
from cliphaze_cli.hub.registry import WeightsEntry
from cliphaze_cli.prior import DEFAULT_MODEL
from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.errors import WeightsError


def clip_of(settings: Settings | DensitySettings, console: Console, *, may_download: bool) -> VerifiedFile | None:
    """Return the file of the CLIP that a run will use, hashed once for all of its processes; None where it uses none.

    `density` fetches what is missing. For `dehaze` that is None too: its weights may turn out to take no instruction,
    and else loading says what is missing.

    Raises:
        WeightsError, HubError: see `clip_file`.
    """
    if isinstance(settings, Settings):
        if settings.clip is None:
            return None
        entry = clip_entry(clip_for(settings.clip, teacher(settings.model, settings.weights)))
        return None if find_cached(entry) is None else verified_file(entry)
    if settings.source == "model":
        return None
    try:
        return clip_file(settings.clip or DEFAULT_MODEL, console, may_download=may_download)
    except WeightsError as error:
        raise WeightsError(f"{error}, or give --source model for the network's own estimate (not CLIP)") from error


def clip_file(
    model: str, console: Console, *, may_download: bool = True, cache_dir: Path | None = None
) -> VerifiedFile:
    """Return the file of a CLIP model, hashed in this run; other processes of the run need not hash it again.

    Args:
        model: open_clip's name, with or without a tag.
        may_download: False never uses the network, nor is it used when HF_HUB_OFFLINE is set.

    Raises:
        WeightsError: no such model, or one that could not be used; or it is not here and may not or cannot be fetched:
            the message says what to do.
        HubError: the download failed for another reason than a missing network.
    """
    entry = clip_entry(model)
    if may_download and not is_offline() and find_cached(entry, cache_dir) is None:

        def announce(size: int) -> None:
            console.info(
                f"fetching CLIP {entry.name} from {entry.repo}: {human_size(size)}, once (--no-download never fetches)"
            )

        progress = console.shows_progress
        try:
            fetched = download(entry, cache_dir=cache_dir, progress=progress, notify=console.notice, announce=announce)
        except HubUnreachableError as error:
            raise WeightsError(f"CLIP {entry.name} is not on this machine and cannot be fetched: {error}") from error
        embed_prompts(entry, fetched, console)
    return verified_file(entry, cache_dir)


def is_offline() -> bool:
    """Whether the Hub's client is told to stay away from the network."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def embed_prompts(entry: WeightsEntry, fetched: Fetched, console: Console) -> None:
    """Embed the default prompts beside CLIP's weights, once for all runs; a failure costs only that."""
    from cliphaze_cli.prior.embed_prompts import embed_default_prompts

    try:
        embed_default_prompts(entry, fetched.path, fetched.digest)
    except (WeightsError, ImportError) as error:
        console.notice(f"{entry.name} is here, but cannot be used: {error}")
