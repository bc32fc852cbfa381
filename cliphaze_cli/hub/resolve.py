"""From a name to a weights file on this machine."""

from pathlib import Path

from cliphaze_cli.errors import WeightsError
from cliphaze_cli.hub import cache, verification
from cliphaze_cli.registry import WeightsEntry, find, weights_dir


def resolve_weights(name_or_entry: str | WeightsEntry, cache_dir: Path | None = None) -> Path:
    """The verified file of an entry: part of the package, or in the Hub's cache. Never uses the network.

    Its content is hashed anew: what was right when it was downloaded may have been changed, or have rotted, since.

    Raises:
        WeightsError: unknown name, not on this machine, or damaged; the message says what to run.
    """
    entry = find(name_or_entry) if isinstance(name_or_entry, str) else name_or_entry
    if entry.embedded:
        return _embedded(entry)
    command = f"cliphaze download-weights {download_arguments(entry)}"
    cached = cache.look_up(entry, cache_dir, thorough=True)
    if cached is None:
        raise WeightsError(f"the weights {entry.name} are not on this machine: run `{command}`")
    if cached.problem:
        raise WeightsError(f"{cached.path} is damaged ({cached.problem}): run `{command}` to fetch it again")
    return cached.path


def download_arguments(entry: WeightsEntry) -> str:
    """What follows `cliphaze download-weights` to fetch `entry`."""
    if entry.kind == "clip":
        return f"--clip {entry.name}"
    return f"--repo {entry.repo}" if entry.name == entry.repo else entry.name


def embedded_path(entry: WeightsEntry) -> Path:
    """Where the package holds an embedded checkpoint."""
    return weights_dir() / entry.file


def _embedded(entry: WeightsEntry) -> Path:
    path = embedded_path(entry)
    if not path.is_file():
        raise WeightsError(f"the embedded weights {path} are missing: install cliphaze again")
    if problem := verification.problem_with(path, entry.size, entry.sha256):
        raise WeightsError(f"the embedded weights {path} are damaged ({problem}): install cliphaze again")
    return path
