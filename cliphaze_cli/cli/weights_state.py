"""Which weights are on this machine, for `download-weights --list` and `info`."""

from pathlib import Path
from typing import Any

from cliphaze_cli.cli.columns import aligned, human_size
from cliphaze_cli.hub import cache
from cliphaze_cli.hub.registry import WeightsEntry, load_registry
from cliphaze_cli.hub.resolve import embedded_path


def weights_states(cache_dir: Path | None = None) -> list[dict[str, Any]]:
    """One record per registry entry; its state is embedded, present, damaged (seen in the cache) or missing."""
    return [_state(entry, cache_dir) for entry in load_registry().values()]


def weights_table(states: list[dict[str, Any]]) -> list[str]:
    """The same for people, one line per entry and a heading."""
    rows = [("NAME", "KIND", "STATE", "SIZE", "LICENCE", "WHERE")]
    for state in states:
        where = state["path"] or f"https://huggingface.co/{state['repo']}"
        cells = (state["name"], state["kind"], state["state"], human_size(state["size"]), state["licence"], where)
        rows.append(cells)
    return aligned(rows)


def _state(entry: WeightsEntry, cache_dir: Path | None) -> dict[str, Any]:
    path: Path | None = None
    if entry.embedded:
        path = embedded_path(entry)
        state = "embedded" if path.is_file() else "missing"
    else:
        cached = cache.look_up(entry, cache_dir)
        path = cached.path if cached else None
        state = "missing" if cached is None else "damaged" if cached.problem else "present"
    return {
        "name": entry.name,
        "kind": entry.kind,
        "state": state,
        "path": str(path) if path else None,
        "size": path.stat().st_size if path and path.is_file() else entry.size,
        "repo": entry.repo,
        "revision": entry.revision,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "trained_on": entry.trained_on,
        "default": entry.default,
    }
