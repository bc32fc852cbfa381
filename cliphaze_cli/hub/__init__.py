"""Weights from the Hugging Face Hub: found in its cache, downloaded, verified. Importing this imports nothing heavy."""

from cliphaze_cli.hub.cache import find_cached
from cliphaze_cli.hub.clip_models import clip_entry
from cliphaze_cli.hub.download import Fetched, download, fetch
from cliphaze_cli.hub.resolve import VerifiedFile, resolve_weights, verified_file

__all__ = [
    "Fetched",
    "VerifiedFile",
    "clip_entry",
    "download",
    "fetch",
    "find_cached",
    "resolve_weights",
    "verified_file",
]
