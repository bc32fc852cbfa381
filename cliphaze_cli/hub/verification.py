"""Is a file what it should be? Its size is compared every time, its digest once, which a small mark remembers.

Digests are told apart by their length, as the Hub's ETags are: 64 hex digits are a sha256 (large files), 40 are the
sha1 that git gives a blob (small ones).
"""

import hashlib
import json
import re
from pathlib import Path

_CHUNK = 1 << 20  # bytes


def is_digest(text: str | None) -> bool:
    """Whether `text` is a digest that `digest_of` can reproduce."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text or "") is not None


def digest_of(path: Path, length: int = 64) -> str:
    """Hex digest of a file's content: sha256 with `length` 64, git's blob sha1 with 40."""
    if length == 64:
        state = hashlib.sha256()
    else:
        state = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def problem_with(path: Path, size: int | None, digest: str | None) -> str:
    """What is wrong with a file, in words for a message; empty when nothing is. None means: not known, not checked."""
    try:
        actual_size = path.stat().st_size
        if size is not None and actual_size != size:
            return f"{actual_size:,} bytes instead of {size:,}"
        if digest is None:
            return ""
        actual = digest_of(path, len(digest))
    except OSError as error:
        return f"unreadable: {error.strerror}"
    name = "sha256" if len(digest) == 64 else "git sha1"
    return "" if actual == digest else f"{name} {actual[:12]}... instead of {digest[:12]}..."


def remember(mark: Path, path: Path, digest: str) -> None:
    """Note that `path` was found to have `digest`. Best effort: a read-only cache is merely verified again."""
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps({"digest": digest, **_stamp(path)}), encoding="utf-8")
    except OSError:
        pass


def remembered(mark: Path, path: Path) -> str | None:
    """The digest noted for `path`, unless the file has changed since."""
    try:
        note = json.loads(mark.read_text(encoding="utf-8"))
        digest = note.pop("digest")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return digest if note == _stamp(path) else None


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
