"""From a name to a weights file on this machine."""

from dataclasses import dataclass
from pathlib import Path

from cliphaze_cli.hub import cache, verification
from cliphaze_cli.hub.registry import WeightsEntry, find, weights_dir
from cliphaze_cli.system.errors import WeightsError


@dataclass(frozen=True)
class VerifiedFile:
    """A downloaded file whose content was hashed in this run. It may be handed to other processes of the run, which
    then need not hash it again.

    digest: what it was found to have, None where there was nothing to compare with. stamp: size, time and inode then.
    """

    path: Path
    digest: str | None
    stamp: tuple[int, int, int]

    @classmethod
    def of(cls, path: Path, digest: str | None) -> "VerifiedFile":
        """A file that is known to have that digest at this moment."""
        return cls(path, digest, _stamp(path))

    def is_unchanged(self) -> bool:
        """Whether it still is the file that was hashed, as far as its size, time and inode tell."""
        try:
            return _stamp(self.path) == self.stamp
        except OSError:
            return False


def resolve_weights(name_or_entry: str | WeightsEntry, cache_dir: Path | None = None) -> Path:
    """The verified file of an entry: part of the package, or in the Hub's cache. Never uses the network.

    Its content is hashed anew: what was right when it was downloaded may have been changed, or have rotted, since.

    Raises:
        WeightsError: unknown name, not on this machine, or damaged; the message says what to run.
    """
    entry = find(name_or_entry) if isinstance(name_or_entry, str) else name_or_entry
    return _embedded(entry) if entry.embedded else verified_file(entry, cache_dir).path


def verified_file(entry: WeightsEntry, cache_dir: Path | None = None) -> VerifiedFile:
    """The file of an entry in the Hub's cache, hashed anew. Errors as in `resolve_weights`."""
    cached = cache.look_up(entry, cache_dir, thorough=True)
    if cached is None:
        raise not_here(entry)
    if cached.problem:
        command = f"cliphaze download-weights {download_arguments(entry)}"
        raise WeightsError(f"{cached.path} is damaged ({cached.problem}): run `{command}` to fetch it again")
    return VerifiedFile.of(cached.path, cached.digest)


def not_here(entry: WeightsEntry) -> WeightsError:
    """What to raise where weights are missing."""
    if entry.embedded:
        return WeightsError(f"the embedded weights {embedded_path(entry)} are missing: install cliphaze again")
    command = f"cliphaze download-weights {download_arguments(entry)}"
    return WeightsError(f"the weights {entry.name} are not on this machine: run `{command}`")


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
        raise not_here(entry)
    if problem := verification.problem_with(path, entry.size, entry.sha256):
        raise WeightsError(f"the embedded weights {path} are damaged ({problem}): install cliphaze again")
    return path


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
