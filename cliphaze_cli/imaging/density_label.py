"""What a density map is called to people: never CLIP's unless it is."""


def density_label(clip_name: str | None, builder: str | None = None) -> str:
    """The source of a map: a CLIP model by its name and the map's builder, or None for the network's own estimate."""
    if clip_name is None:
        return "network estimate, not CLIP"
    return f"CLIP {clip_name}" if builder is None else f"CLIP {clip_name}, {builder}"
