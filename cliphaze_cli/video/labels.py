"""What films say of themselves, as it is to be written."""

from fractions import Fraction
from typing import Any

import numpy as np

_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")  # that is written anew
_OF_THE_STREAM = ("encoder", "rotate", "duration")
# What MP4 has places for; anything else needs a list of keys, which not all players read.
_USUAL = frozenset(
    ("title", "artist", "album_artist", "album", "composer", "date", "year", "comment", "genre", "copyright",
     "description", "synopsis", "creation_time", "location", "location-eng", "keywords", "show", "network",
     "episode_id", "grouping", "lyrics", "language", "track", "disc")
)  # fmt: skip


def metadata_of(container: Any) -> dict[str, str]:
    """Of a container of PyAV."""
    return {key: value for key, value in container.metadata.items() if key.lower() not in _OF_THE_FILE}


def stream_metadata(stream: Any) -> dict[str, str]:
    """Of a stream of PyAV."""
    return {key: value for key, value in stream.metadata.items() if key.lower() not in _OF_THE_STREAM}


def movflags(container: Any) -> str:
    """For MP4 and MOV: the index in front, and a list of keys where there are unusual ones."""
    unusual = {key.lower() for key in metadata_of(container)} - _USUAL
    return "+faststart+use_metadata_tags" if unusual else "+faststart"


def display_matrix(frame: Any) -> tuple[int, ...] | None:
    """By which players turn a film, as a frame of PyAV carries it; None where there is none."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return tuple(int(value) for value in np.frombuffer(bytes(data), np.int32))
    return None


def chapters(container: Any, start: Fraction, end: Fraction | None) -> list[dict[str, Any]]:
    """Those between start and end, in seconds, by times from start on."""
    kept = []
    for chapter in container.chapters():
        base = chapter["time_base"]
        first = max(chapter["start"] * base, start) - start
        last = (chapter["end"] * base if end is None else min(chapter["end"] * base, end)) - start
        if last > first:
            kept.append({**chapter, "start": round(first / base), "end": round(last / base)})
    return kept
