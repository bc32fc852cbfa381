"""What a density map is called to people: never CLIP's unless it is."""


def density_label(clip_name: str | None) -> str:
    """The source of a map: a CLIP model by its name, or None for the network's own estimate."""
    return "network estimate, not CLIP" if clip_name is None else f"CLIP {clip_name}"
