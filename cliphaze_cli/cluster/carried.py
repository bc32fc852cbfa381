"""The weights that a run works with, for machines that do not have their files: read and verified once, then carried
through the cluster's memory to wherever photos are worked on."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.hub.registry import find
from cliphaze_cli.hub.resolve import VerifiedFile, resolve_weights
from cliphaze_cli.prior import text_cache
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.system.errors import WeightsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS, PROMPTS, CLIP, TEXTS = "weights", "prompts", "CLIP", "texts"  # what a file is to the run

_kept: list[Any] = []  # of this process: files without a name, and the folder that leads to them


@dataclass(frozen=True, eq=False)
class CarriedFile:
    """A file's name, its bytes (N,) uint8, and what it is to the run."""

    role: str
    name: str
    content: "NDArray[np.uint8]"


def carried_files(options: WorkOptions) -> Iterator[CarriedFile]:
    """Read what the tool of `options` loads. Raises WeightsError where it is not here, or not what it should be."""
    settings = options.settings
    by_network = isinstance(settings, Settings) or settings.source == "model"
    if by_network:
        if settings.weights is None:
            entry = find(settings.model)
            yield _read(WEIGHTS, resolve_weights(entry), entry.sha256)
        else:
            yield _read(WEIGHTS, Path(settings.weights), None)
    if not isinstance(settings, Settings) and settings.prompts is not None:
        yield _read(PROMPTS, Path(settings.prompts), None)
    if options.clip_file is not None:
        clip = options.clip_file
        yield _read(CLIP, clip.path, clip.digest)
        for path in clip.path.parent.glob(text_cache.PATTERN):
            yield _read(TEXTS, path, None)


def lay_out(files: list[CarriedFile], options: WorkOptions) -> WorkOptions:
    """Give the files paths that last as long as this process, and return the options that name them.

    The content has no name on the disk, so that nothing of it stays there, however the process ends.
    """
    if not Path("/proc/self/fd").is_dir():  # such a cluster is this one machine, which has the files
        return options
    folder = tempfile.TemporaryDirectory(prefix="cliphaze-", ignore_cleanup_errors=True)
    _kept.append(folder)
    for carried in files:
        path = Path(folder.name, carried.name)
        if carried.role == TEXTS:
            path.write_bytes(carried.content.tobytes())
            continue
        stream = tempfile.TemporaryFile()  # noqa: SIM115 - kept open for as long as the process lives
        stream.write(carried.content.data)
        stream.flush()
        _kept.append(stream)
        path.symlink_to(f"/proc/{os.getpid()}/fd/{stream.fileno()}")
        settings: Any = options.settings
        if carried.role == CLIP:
            assert options.clip_file is not None
            options = replace(options, clip_file=VerifiedFile.of(path, options.clip_file.digest))
        elif carried.role == WEIGHTS:
            options = replace(options, settings=replace(settings, weights=str(path)))
        else:
            options = replace(options, settings=replace(settings, prompts=str(path)))
    return options


def _read(role: str, path: Path, digest: str | None) -> CarriedFile:
    import numpy as np

    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}; check the path") from error
    if digest is not None and len(digest) == 64 and hashlib.sha256(content.data).hexdigest() != digest:
        raise WeightsError(f"{path} was changed while this run started: run it again")
    return CarriedFile(role, path.name, content)
